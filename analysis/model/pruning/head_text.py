"""A head as people write it: ``2.0`` as on a command line, ``L2·H0`` as on the page."""

import re

HEAD = r"[Ll]?(\d{1,4})(?: ?[.·] ?[Hh]?| ?[Hh])(\d{1,4})"
"""Pattern of such a text, ASCII digits only; its two groups are layer and head."""
_WHOLE = re.compile(rf"(?:head )?{HEAD}", re.ASCII | re.IGNORECASE)


def read_place(text: str) -> tuple[int, int] | None:
    """Layer and head, both from 0; None if ``text`` does not name a head."""
    match = _WHOLE.fullmatch(text.strip())
    return None if match is None else (int(match[1]), int(match[2]))
