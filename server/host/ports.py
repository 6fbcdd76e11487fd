"""Addresses that a server of this computer can have, known before anything heavy is imported."""

import socket
import sys

from headbrush.analysis.store.errors import InputError
from headbrush.server.tools.assets import APP

BLOCKED_PORTS = frozenset(
    (1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
     103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
     512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
     995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
     6669, 6679, 6697, 10080)
)  # fmt: skip
"""The ports that browsers never open: "bad ports" of the Fetch standard."""


def page_address(port: int, scheme: str = "http", prefix: str = "") -> str:
    """Address of the page, as a browser on this computer reaches it."""
    inside = f"/{prefix.strip('/')}" if prefix else ""
    return f"{scheme}://localhost:{port or '(port below)'}{inside}/{APP.name}"


def demand_pages() -> None:
    """Check that a server can run on this system.

    Raises
    ------
    InputError
        If not.
    """
    if sys.platform == "win32":
        raise InputError(
            "a page needs Linux or macOS, also Linux inside Windows (WSL); on Windows itself make "
            "a report: headbrush report STORE --out FILE.html."
        )


def demand_port(port: int, address: str | None = None) -> None:
    """Check that a server can use a port, and that browsers will open it.

    Raises
    ------
    InputError
        If not; ``str()`` says why.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"--port {port}: expected a number from 0 to 65535.")
    if port in BLOCKED_PORTS:
        raise InputError(f"--port {port}: browsers refuse to open this port; give another one.")
    if port and not _is_free(port, address):
        raise InputError(f"port {port} is in use; stop what uses it or give another --port.")


def _is_free(port: int, address: str | None) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in (address or "") else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost" if address is None else address, port))
        except OSError:
            return False
    return True
