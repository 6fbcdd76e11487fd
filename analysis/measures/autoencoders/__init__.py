"""Autoencoders of patch patterns: a linear one, and the convolutional one of the paper."""
