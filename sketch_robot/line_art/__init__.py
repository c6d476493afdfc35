"""From a sitter to line art."""
