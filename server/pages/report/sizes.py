"""The size of a report's file by part. Pure."""

import re
from collections.abc import Mapping

USUAL_MB = 6
"""Expected limit of a report with few pages, besides Bokeh's scripts."""
_BOKEH = re.compile(r"<script>\s*/\* BEGIN bokeh.*?</script>", re.DOTALL)


def sizes_of(html: str, files: Mapping[str, str]) -> dict[str, float]:
    """Megabytes of the whole file by part."""
    bokeh = sum(len(found[0].encode()) for found in _BOKEH.finditer(html))
    kept = sum(map(len, files.values()))
    plots = len(html.encode()) - bokeh - kept
    named = {"plots": plots, "values to save": kept, "Bokeh's scripts": bokeh}
    return {name: size / 1e6 for name, size in named.items()}


def size_words(sizes: Mapping[str, float]) -> str:
    """The size, its parts, and how to reduce it if it is large."""
    parts = sorted(sizes.items(), key=lambda part: -part[1])
    listed = ", ".join(f"{name} {size:.1f}" for name, size in parts)
    text = f"{sum(sizes.values()):.1f} MB ({listed})."
    if sum(sizes.values()) - sizes["Bokeh's scripts"] > USUAL_MB:
        text += " Give fewer --head, --image or --view to make it smaller."
    return text
