"""Files of weights: what they hold, read as data and never run. May import ``analysis.store``.

Each ends in data with tensors to read later, or in one ``ModelError``.
"""
