"""Names of attention patterns (the kinds of Fig. 13, computed from A, never from binarised maps).

May import ``memory_budget`` and nothing else of the package.
"""
