"""How the line artist is learned: labels, batches, losses, distillation, metrics."""
