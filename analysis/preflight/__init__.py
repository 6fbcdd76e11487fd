"""Everything before computing: what is wrong is refused, the rest is said.

May import ``analysis.store``, ``images``, ``model``, ``measures`` and ``run``.
"""
