"""Networks that find a sitter; see MODEL_CARD.md."""
