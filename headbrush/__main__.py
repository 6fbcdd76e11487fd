"""``python -m headbrush``: the command line."""

from headbrush.cli import main

main()
