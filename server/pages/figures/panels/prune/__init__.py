"""E4, E6 and E7: what is said of sets and pairs of heads."""
