"""The shipped generator of poses; see MODEL_CARD.md."""
