"""Classifiers for models that have none: a ridge probe on labelled images, or texts."""
