"""One module for each namespace."""
