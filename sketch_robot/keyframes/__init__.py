"""An artist's own hand, learned from a few frames that they drew over (Texler et al. 2020)."""
