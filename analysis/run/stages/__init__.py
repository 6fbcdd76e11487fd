"""Stages of an analysis that follow the shards or come before them, and what runs them together."""
