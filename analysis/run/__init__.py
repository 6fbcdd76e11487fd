"""How an analysis runs: shards, fits, a Dask cluster, resuming, progress.

May import ``analysis.measures`` and what that may import.
"""
