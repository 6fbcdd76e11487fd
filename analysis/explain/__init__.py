"""Why the model predicts what it does on one image: contributions, maps of patches, ablation.

May import ``analysis.model`` and ``analysis.measures``.
"""
