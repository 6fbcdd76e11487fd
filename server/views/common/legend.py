"""HTML legends of words and swatches; all text from the store is escaped."""

from collections.abc import Sequence
from html import escape

from bokeh.models import Div

_MOST = 20
_MOST_BUTTONS = 200
_ENTRY = "display:inline-block;margin-right:7px"
"""One that is longer than a line breaks, so that it never makes its panel wider."""
_BUTTON = f"all:unset;cursor:pointer;{_ENTRY};outline:revert;outline-offset:-1px"


def make_legend(name: str, lines: int = 1, grows: bool = False) -> Div:
    """An empty legend with a fixed height in lines; one that ``grows`` takes one more if it must.

    What does not fit is scrolled to.
    """
    least, most = height_of(lines), height_of(lines + 1)
    ends = {"min-height": f"{least}px", "max-height": f"{most}px"} if grows else {}
    return Div(
        text="",
        name=name,
        height=None if grows else least,
        sizing_mode="stretch_width",
        styles={
            "font-size": "11px",
            "line-height": "16px",
            "overflow": "hidden auto",
            "scrollbar-width": "thin",
            "margin": "0 6px",
            **ends,
        },
    )


def height_of(lines: int) -> int:
    """Height in pixels of a legend of this many lines."""
    return 16 * lines + 2


def swatches(names: Sequence[str], colours: Sequence[str]) -> str:
    """HTML of coloured dots and names, at most the first twenty."""
    shown = [
        f'<span style="{_ENTRY}"><span style="color:{colour}">●</span> {escape(name)}</span>'
        for name, colour in zip(names[:_MOST], colours, strict=False)
    ]
    more = f"and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return " ".join([*shown, more])


def choices(
    kind: str,
    names: Sequence[str],
    colours: Sequence[str],
    numbers: Sequence[int],
    what: str = "images",
) -> str:
    """HTML of swatches that are buttons; ``legend_buttons.js`` sends ``kind`` and number.

    ``what`` is brushed by them. Where there are many it says so, as most of them are seen only when
    the legend is scrolled.
    """
    shown = [
        f'<button type="button" data-kind="{escape(kind)}" data-number="{number}" '
        f'title="brush these {what}; Shift adds, Ctrl keeps only what is in both" '
        f'style="{_BUTTON}"><span style="color:{colour}">●</span> {escape(name)}</button>'
        for name, colour, number in zip(names[:_MOST_BUTTONS], colours, numbers, strict=False)
    ]
    head = [f"{len(names)} classes, scroll to see all:"] if len(names) > _MOST else []
    rest = len(names) - _MOST_BUTTONS
    return " ".join([*head, *shown, f"and {rest} more: type a name above" if rest > 0 else ""])


def gradient(title: str, low: str, high: str, colours: Sequence[str]) -> str:
    """HTML of a colour ramp between two values."""
    ramp = ", ".join(colours[:: max(1, len(colours) // 12)])
    return (
        f'{escape(title)}: <span style="white-space:nowrap">{escape(low)} '
        f'<span style="display:inline-block;width:64px;height:9px;'
        f'background:linear-gradient(to right, {ramp})"></span> {escape(high)}</span>'
    )
