"""Draw a person's portrait with a pen, in a few clean lines."""

__version__ = '0.1.0'
