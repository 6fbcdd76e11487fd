"""What if these heads were gone: the prune set, and what the model then predicts."""
