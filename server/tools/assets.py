"""Text of the files in ``static`` and ``templates``, read as UTF-8."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

APP = Path(__file__).parent.parent
"""The Bokeh application's folder."""
BOKEH_SCRIPTS = ("bokeh/stylesheets.js", "bokeh/press.js", "bokeh/clearing.js")
"""Scripts that patch BokehJS, in pages and reports alike."""
PAGE_BOKEH_SCRIPTS = (*BOKEH_SCRIPTS, "bokeh/hidden.js", "bokeh/pictures.js", "bokeh/texts.js")
"""With what spares BokehJS work, in pages whose plots are all ours."""
SHARED_SCRIPTS = (
    "ready.js", "numbers.js", "notes.js", "combine.js", "files.js", "attention_matrix.js",
    "bokeh/scrolling.js",
)  # fmt: skip
"""Functions that scripts of pages, reports and views call; come before them."""
GALLERY_SCRIPTS = (
    "gallery/grid.js", "gallery/supply.js", "gallery/gestures.js", "gallery/gallery.js",
)  # fmt: skip
"""The gallery of images, in pages and reports alike."""
NAME_SCRIPTS = ("deep.js", "bokeh/places.js", "names.js")
"""Names of plots and controls for those who do not see, in pages and reports alike."""
KEYBOARD_SCRIPTS = (
    *NAME_SCRIPTS, "page/keyboard/stops.js", "page/keyboard/plots.js", "page/keyboard/rectangle.js",
    "page/keyboard/points.js", "page/keyboard/tokens.js", "page/keyboard/patches.js",
    "page/keyboard/cells.js", "page/keyboard/keys.js",
)  # fmt: skip
"""Names and keys of a page."""
TEMPLATES = Environment(
    loader=FileSystemLoader(APP / "templates"), autoescape=True, undefined=StrictUndefined
)
"""The Jinja environment: escapes values, and a missing one is an error."""


def static(*names: str) -> str:
    """The named style sheets, joined."""
    return "\n".join(_read(name) for name in names)


def scripts(names: Iterable[str]) -> str:
    """The named scripts, joined."""
    return ";\n".join(_read(name) for name in names)


@cache
def view_script(name: str) -> str:
    """The code of a view that Bokeh runs in the browser, one of ``static/views``."""
    return _read(f"views/{name}.js")


def _read(name: str) -> str:
    return (APP / "static" / name).read_text(encoding="utf-8")
