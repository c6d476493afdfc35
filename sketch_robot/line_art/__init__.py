"""From a sitter to line art."""

DEFAULT_ARTIST = 'student'
