"""D2 to D5: one attention matrix; ``explain``: what its tokens have to do with a class."""
