"""Threads, processes, caches and kernels that know nothing of headbrush.

Imports nothing else of headbrush.
"""
