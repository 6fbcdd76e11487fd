"""What a store says about itself and its heads, in words.

May import the store's other modules, nothing else of the package.
"""
