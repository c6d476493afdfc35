"""The sitter in another pose: joints, a deformable generator, and a drawing of the figure with their own head."""
