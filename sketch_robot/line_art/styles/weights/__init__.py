"""The manners that come with the package."""
