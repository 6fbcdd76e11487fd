"""Text of the files in ``static`` and ``templates``, read as UTF-8."""

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

APP = Path(__file__).parent.parent
"""The Bokeh application's folder."""
BOKEH_SCRIPTS = ("bokeh/stylesheets.js", "bokeh/press.js")
"""Scripts that change what Bokeh's own do, in pages and reports alike."""
TEMPLATES = Environment(
    loader=FileSystemLoader(APP / "templates"), autoescape=True, undefined=StrictUndefined
)
"""Escapes what it fills in; a name that a template needs and is not given is an error."""


def static(*names: str) -> str:
    """Styles, one after another."""
    return "\n".join(_read(name) for name in names)


def scripts(names: Iterable[str]) -> str:
    """Scripts, one after another."""
    return ";\n".join(_read(name) for name in names)


def _read(name: str) -> str:
    return (APP / "static" / name).read_text(encoding="utf-8")
