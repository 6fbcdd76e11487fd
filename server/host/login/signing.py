"""Session ids are signed by a secret made at launch; unsigned, anyone could make one.

Bokeh reads the two variables once, when it is imported, so a process that serves has them before.
"""

import os
import secrets
from collections.abc import Mapping

SIGNING = ("BOKEH_SIGN_SESSIONS", "BOKEH_SECRET_KEY")


def signing(environment: Mapping[str, str]) -> dict[str, str]:
    """What signs the session ids, where the environment does not say how."""
    made = dict(zip(SIGNING, ("yes", secrets.token_urlsafe(32)), strict=True))
    return {name: value for name, value in made.items() if not environment.get(name)}


def sign_here() -> tuple[str, ...]:
    """Sign those of this process, which has not imported Bokeh; the variables that are set."""
    added = signing(os.environ)
    os.environ.update(added)
    return tuple(added)
