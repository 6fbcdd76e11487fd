"""A: the images."""
