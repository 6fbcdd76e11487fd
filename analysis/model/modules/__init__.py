"""Modules that users bring: unwrapped, tried, borrowed and given back unchanged."""
