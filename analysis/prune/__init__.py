"""What if heads were gone: predictions, curves, interactions and smaller models of a store."""
