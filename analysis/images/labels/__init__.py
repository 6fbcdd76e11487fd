"""Which class a folder is: names of classes, and files of them. May import ``analysis.store``."""
