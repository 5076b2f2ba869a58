"""The version of the framework, for what has to know it and is below the public names."""

__version__ = "0.1.0"
