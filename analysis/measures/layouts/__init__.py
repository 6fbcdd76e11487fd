"""Layouts of patterns and images, and how faithful they are."""
