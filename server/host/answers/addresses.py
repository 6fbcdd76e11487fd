"""Checks of network addresses and of paths on this server."""

import ipaddress
from urllib.parse import urlsplit

HOME = "localhost"


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach what listens on ``address``."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == HOME


def place_within(text: str) -> str:
    """The path on this server that an untrusted ``text`` names, ``/`` if it names none."""
    parts = urlsplit(text)
    inside = text.startswith("/") and not text.startswith(("//", "/\\"))
    printable = text.isascii() and text.isprintable() and "\\" not in parts.path
    return text if inside and printable and not (parts.scheme or parts.netloc) else "/"
