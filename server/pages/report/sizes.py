"""What takes the room in a report's file. Pure."""

import re
from collections.abc import Mapping

USUAL_MB = 6
"""What a report takes at most beside Bokeh's scripts, where few pages are asked for."""
_BOKEH = re.compile(r"<script>\s*/\* BEGIN bokeh.*?</script>", re.DOTALL)


def sizes_of(html: str, files: Mapping[str, str]) -> dict[str, float]:
    """Megabytes of the whole file by part."""
    bokeh = sum(len(found[0].encode()) for found in _BOKEH.finditer(html))
    kept = sum(map(len, files.values()))
    plots = len(html.encode()) - bokeh - kept
    named = {"plots": plots, "values to save": kept, "Bokeh's scripts": bokeh}
    return {name: size / 1e6 for name, size in named.items()}


def size_words(sizes: Mapping[str, float]) -> str:
    """The whole, its parts, and what makes it smaller where it is large."""
    parts = sorted(sizes.items(), key=lambda part: -part[1])
    listed = ", ".join(f"{name} {size:.1f}" for name, size in parts)
    text = f"{sum(sizes.values()):.1f} MB ({listed})."
    if sum(sizes.values()) - sizes["Bokeh's scripts"] > USUAL_MB:
        text += " Fewer --head, --image or --view make it smaller."
    return text
