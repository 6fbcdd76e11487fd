"""B: which heads matter, and what pruning them does."""
