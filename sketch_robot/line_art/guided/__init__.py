"""The guided artist: lines where landmarks announce them, without learning."""
