"""Modules that users bring: unwrapped, probed, borrowed and given back unchanged."""
