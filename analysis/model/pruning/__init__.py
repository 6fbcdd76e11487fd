"""What is pruned: the modes of one head, sets of heads, and a model that runs without them."""
