"""Threads that answer questions."""
