"""Where an analysis begins beside the command line: the demo, and a notebook."""
