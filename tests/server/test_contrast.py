"""Words can be read in both themes: contrast as WCAG 2 defines it, at least 4.5 to 1."""

import re
from itertools import product

import pytest

from headbrush.server.tools.assets import static

LEAST = 4.5
WORDS = ("ink", "quiet", "accent")
GROUNDS = ("paper", "ground", "field", "stripe")
RULE = re.compile(r"^:root(\[data-theme=\"dark\"\])? \{(.*?)^\}", re.MULTILINE | re.DOTALL)


def themes() -> dict[str, dict[str, str]]:
    """The colours of the style sheet by theme and name."""
    light, dark = {}, {}
    for selector, body in RULE.findall(static("css/colours.css")):
        own = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", body))
        (dark if selector else light).update(own)
    return {"light": light, "dark": {**light, **dark}}


def luminance(colour: str) -> float:
    """Relative luminance, 0 black to 1 white."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """From 1, equal, to 21, black on white."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_known_colours():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_can_be_read_on_every_ground(theme):
    colours = themes()[theme]
    pairs = [*product(WORDS, GROUNDS), ("ink", "pressed")]
    faint = {
        f"{words} on {ground}": round(ratio, 2)
        for words, ground in pairs
        if (ratio := contrast(colours[words], colours[ground])) < LEAST
    }
    assert faint == {}
