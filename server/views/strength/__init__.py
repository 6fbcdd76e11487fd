"""C: how far heads look."""
