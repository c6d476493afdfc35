"""The geometry of faces and lines: the mesh's parts, a face's axes and outline, curves through points."""
