"""What is left of a command that has started a server: it waits for it."""

import os
import signal
import sys


def main() -> None:
    """Wait for the child process of the given number, pass on what ends it, and end as it does."""
    server = int(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the server too
    signal.signal(signal.SIGTERM, lambda *_: os.kill(server, signal.SIGTERM))
    _, status = os.waitpid(server, 0)
    sys.exit(abs(os.waitstatus_to_exitcode(status)))
