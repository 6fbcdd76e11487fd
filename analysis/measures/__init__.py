"""Measures of a head: importance, strength, patterns and their layouts.

May import ``analysis.model``, ``analysis.images`` and ``analysis.store``.
"""
