"""Weights that other people made, and how they fit a model. May import ``analysis.store``.

``files/`` reads the files. Nothing is allocated beyond a small multiple of what a file holds.
"""
