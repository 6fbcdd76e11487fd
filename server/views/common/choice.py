"""Small buttons of which one is pressed, and the line of controls that they are in."""

from collections.abc import Sequence
from typing import Any

from bokeh.layouts import row
from bokeh.models import LayoutDOM, RadioButtonGroup, Row

from headbrush.server.session.state import History


def small_choice(
    history: History, part: str, choices: Sequence[str], **look: Any
) -> RadioButtonGroup:
    """Buttons for the ``choices`` of a part of the state, which is also their name."""
    buttons = small_buttons(part, choices, **look)
    history.bind(buttons, part, choices)
    return buttons


def small_buttons(name: str, labels: Sequence[str], **look: Any) -> RadioButtonGroup:
    """Buttons that are as high as a line of controls; ``look`` says what differs."""
    named = {"role": "group", "aria-label": name.replace("_", " ")}
    return RadioButtonGroup(
        labels=list(labels),
        name=name,
        **{"height": 24, "css_classes": ["hb-small"], "html_attributes": named, **look},
    )


def controls_line(*controls: LayoutDOM) -> Row:
    """Controls beside one another, in several lines where the panel is narrow."""
    return row(
        *controls, sizing_mode="stretch_width",
        styles={"flex-wrap": "wrap", "contain": "inline-size", "align-items": "center"},
    )  # fmt: skip


def labelled(words: str) -> dict[str, str]:
    """Attributes of a menu or field without a title; ``static/names.js`` calls it by the words."""
    return {"data-label": words}
