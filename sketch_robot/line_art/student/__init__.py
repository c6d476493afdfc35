"""The student: a small network that draws, with its weights."""
