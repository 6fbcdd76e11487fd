"""Parts of a view that are written as HTML; ``page/asks.js`` hears their buttons."""

import re
from html import escape
from typing import Any

from bokeh.models import Div

from headbrush.server.tools.assets import static

CLASS = "hb-asks"
CROSS = "×"
"""On buttons that remove something."""
_OPTION = re.compile(r"--\w+")
_BUTTON = re.compile(r"<button[^>]*>(.*?)</button>", re.DOTALL)


def written(name: str, scrolls: bool = False, **look: Any) -> Div:
    """An empty part that is written as HTML; one that ``scrolls`` fills the rest of its panel."""
    styles = {"contain": "inline-size"} | ({"overflow": "auto"} if scrolls else {})
    return Div(
        text="",
        name=name,
        css_classes=[CLASS],
        stylesheets=[static("css/written.css")],
        sizing_mode="stretch_both" if scrolls else "stretch_width",
        styles=styles | look.pop("styles", {}),
        **look,
    )


def without_buttons(text: str) -> str:
    """The same HTML for a report, where nothing answers: tiles and words stay, crosses go."""

    def kept(button: re.Match[str]) -> str:
        if "<" in button[1]:
            return f'<div class="hb-tile">{button[1]}</div>'
        return "" if button[1] == CROSS else button[1]

    return _BUTTON.sub(kept, text)


def unbroken(words: str) -> str:
    """HTML of plain words in which no line ends within ``--option``."""
    return _OPTION.sub(r'<span style="white-space:nowrap">\g<0></span>', escape(words))


def pictured(picture: str, first: str, second: str) -> str:
    """What is in a tile: a picture, plain text in at most two lines, and a quiet line."""
    return (
        f'<img alt="" src="{picture}"><span><span class="hb-two-lines">{escape(first)}</span>'
        f'<span class="hb-quiet">{escape(second)}</span></span>'
    )


def button(
    ask: str, number: int, label: str, title: str, inner: str = "", pressed: bool | None = None
) -> str:
    """A button that asks the server for something.

    Parameters
    ----------
    inner
        HTML in place of the label.
    pressed
        Whether it is the chosen one of several.
    """
    state = "" if pressed is None else f' aria-pressed="{str(pressed).lower()}"'
    state += "" if inner else f' aria-label="{escape(title)}"'  # else what is read is its name
    return (
        f'<button type="button" data-ask="{escape(ask)}" data-number="{number}" '
        f'title="{escape(title)}"{state}>{inner or escape(label)}'
        "</button>"
    )
