"""Curves of accuracy over pruned heads: one line an order, on disk piece by piece."""
