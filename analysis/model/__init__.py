"""One vision transformer: loading it, its tokens, reading and pruning its attention.

May import ``analysis.store`` and ``analysis.images``.
"""
