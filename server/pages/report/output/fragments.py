"""A report's views for other pages: one script and a div per view, or one JSON item."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, cast

from bokeh.document import Document
from bokeh.embed import components, json_item
from bokeh.layouts import column
from bokeh.themes import Theme

from headbrush.server.pages.report.parts.panels import Panel
from headbrush.server.tools.assets import static

_HEIGHTS = {"pattern_layout": 560, "image_context": 360}
_HEIGHT = 420
_DARK = re.compile(r':root\[data-theme="dark"\] \{.*?\}\n', re.DOTALL)


@dataclass(frozen=True)
class Parts:
    """The parts to put into another page, besides Bokeh's own scripts.

    Attributes
    ----------
    css, scripts
        Colours and functions of the plots; come before the divs, as text without tags.
    divs
        By the names of the views, on pages of heads ``page1_two_axes`` and so on.
    script
        Draws all divs; comes after them, with its tags.
    """

    css: str
    scripts: str
    divs: dict[str, str]
    script: str

    @property
    def html(self) -> str:
        """All parts, joined in order."""
        divs = "\n".join(self.divs.values())
        head = f"<style>{self.css}</style>\n<script>{self.scripts}</script>"
        return f"{head}\n{divs}\n{self.script}\n"


def make_parts(panels: Sequence[Panel], theme: Theme, scripts: str) -> Parts:
    """Parts of panels that are all the roots of one document."""
    script, divs = components({panel.name: panel.root for panel in panels}, theme=theme)
    named = {panel.name: _figure(panel, divs[panel.name]) for panel in panels}
    return Parts(_css(), scripts, named, script.strip())


def make_item(panels: Sequence[Panel], theme: Theme, scripts: str) -> dict[str, Any]:
    """One item for ``Bokeh.embed.embed_item``; its key ``headbrush`` holds styles and scripts."""
    document = cast(Document, panels[0].root.document)
    wide = "stretch_width"
    framed = [column(p.root, height=_height(p), sizing_mode=wide) for p in panels]
    document.clear()
    document.add_root(column(*framed, sizing_mode=wide))
    try:
        item = json_item(document.roots[0], theme=theme)
    finally:
        document.clear()
        for panel in panels:
            document.add_root(panel.root)
    return {**item, "headbrush": {"css": _css(), "scripts": scripts}}


def item_text(item: dict[str, Any]) -> str:
    """The item as JSON that can stand within a script of a page."""
    return json.dumps(item).replace("<", "\\u003c")


def _height(panel: Panel) -> int:
    return _HEIGHTS.get(panel.view, _HEIGHT)


def _figure(panel: Panel, div: str) -> str:
    return (
        f'<figure class="hb-fragment" data-view="{panel.view}" aria-label="{escape(panel.title)}">'
        f'<div class="hb-view" style="height: {_height(panel)}px">{div.strip()}</div>'
        f'<figcaption id="words-{panel.name}">{escape(panel.words)}</figcaption></figure>'
    )


def _css() -> str:
    """Colours of the fragments, which are light in any page."""
    text = static("css/colours.css", "css/fragment.css")
    return _DARK.sub("", text).replace(":root", ".hb-fragment")
