"""Attention matrices: who reads them, and which patches see each other in them."""
