"""Compiled loops over very many values: on all cores, and by cells."""
