"""The generator of poses that comes with the package."""
