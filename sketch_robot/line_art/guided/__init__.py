"""The guided artist, and what it knows of faces, which the student borrows.

`artist` is not imported here: it brings scikit-image along, and the student has no use for it.
"""
