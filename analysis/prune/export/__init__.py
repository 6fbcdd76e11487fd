"""A smaller checkpoint without the pruned heads, that gives the same outputs with timm only."""
