"""Processes that tests start, and end whatever happens to the test."""

import signal
import subprocess


def stop(process: subprocess.Popen, seconds: float = 20) -> None:
    """End a process: ask it, also where it is stopped, and kill it if it does not end in time.

    Raises
    ------
    subprocess.TimeoutExpired
        If it had to be killed.
    """
    if process.poll() is None:
        process.terminate()
        process.send_signal(signal.SIGCONT)
    try:
        process.wait(seconds)
    except BaseException:
        process.kill()
        process.wait()
        raise
