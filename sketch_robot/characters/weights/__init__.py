"""The generators that come with the package."""
