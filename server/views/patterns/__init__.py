"""D1: the attention patterns of all images and heads."""
