"""What a view has drawn, pixel by pixel."""

import numpy as np
from bokeh.models import LinearColorMapper

from headbrush.server.views.patterns.pattern_layout import PatternLayout


def pattern_picture(view: PatternLayout) -> np.ndarray:
    """``(height, width, 4)`` uint8 red, green, blue and alpha of the density of patterns."""
    rgba, levels = (
        view.layout.select_one({"name": f"pattern_{kind}"}) for kind in ("picture", "levels")
    )
    assert len(rgba.data["image"]) + len(levels.data["image"]) == 1
    if rgba.data["image"]:
        pixels = rgba.data["image"][0]
        return pixels.view(np.uint8).reshape(*pixels.shape, 4)
    mapper = view.layout.select_one({"type": LinearColorMapper})
    assert (mapper.low, mapper.high) == (-0.5, len(mapper.palette) - 0.5)
    palette = np.array([tuple(bytes.fromhex(colour[1:])) for colour in mapper.palette])
    return palette[levels.data["image"][0]]
