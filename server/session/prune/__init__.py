"""Prune sets of a page: changes of the shown one, and those that have a name."""
