"""Images, their labels and the choice among them. May import ``analysis.store``."""
