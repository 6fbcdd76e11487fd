"""Text in figures: the style of all of it, and how wide it is."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import matplotlib
from matplotlib import font_manager, style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

TEXT, SMALL = 7.0, 6.5
"""Points of axis titles and of the rest; publishers want at least 6."""
_FAMILY = "DejaVu Sans"
"""Comes with matplotlib, so a figure looks alike on every machine."""
_FALLBACKS = (
    "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Noto Sans TC", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "Droid Sans Fallback", "Microsoft YaHei", "SimHei", "PingFang SC",
    "Hiragino Sans", "Arial Unicode MS", "Noto Sans CJK SC", "Noto Sans CJK JP",
    "Source Han Sans SC", "Noto Emoji", "Segoe UI Symbol", "Noto Sans Symbols 2", "Unifont",
)  # fmt: skip
"""Fonts with other scripts, used for what the first lacks where a computer has them."""
_lacking: ContextVar[set[str] | None] = ContextVar("lacking", default=None)
_LOOK: dict[Any, Any] = {
    "font.size": TEXT,
    "text.hinting": "none",  # as wide in a picture as in PDF
    "text.parse_math": False,  # names of classes may hold a dollar
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "axes.labelpad": 2.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.pad": 2.0,
    "ytick.major.pad": 2.0,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "headbrush",
}


@cache
def families() -> tuple[str, ...]:
    """The fonts of text, the first that has a character draws it."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return (_FAMILY, *(name for name in _FALLBACKS if name in installed))


@contextmanager
def lacking() -> Iterator[set[str]]:
    """Collect the characters that no font has."""
    token = _lacking.set(found := set())
    try:
        yield found
    finally:
        _lacking.reset(token)


def lacking_words(characters: set[str]) -> str:
    """A note on characters that no font has; empty if there are none."""
    if not characters:
        return ""
    shown = " ".join(sorted(characters)[:5]) + (" …" if len(characters) > 5 else "")
    return (
        f"No font of this computer that figures use has {shown}: \N{REPLACEMENT CHARACTER} stands "
        "for it. A font such as Noto Sans SC or Noto Emoji has it."
    )


@contextmanager
def paper_style() -> Iterator[None]:
    """Draw and write alike whatever the user's own settings are; text stays text in files."""
    with style.context("default"), matplotlib.rc_context({**_LOOK, "font.family": [*families()]}):
        yield


@cache
def _ruler() -> FigureCanvasAgg:
    return FigureCanvasAgg(Figure(figsize=(0.1, 0.1), dpi=720))


def width_of(text: str, size: float = SMALL) -> float:
    """Inches that a line takes."""
    font = font_manager.FontProperties(family=[*families()], size=size)
    wide, _, _ = _ruler().get_renderer().get_text_width_height_descent(text, font, ismath=False)
    return wide / 720


@cache
def is_drawable(character: str) -> bool:
    """Whether one of the fonts has a character."""
    code = ord(character)
    paths = (font_manager.findfont(name) for name in families())
    return any(font_manager.get_font(path).get_char_index(code) for path in paths)


def _shown(character: str) -> str:
    if is_drawable(character):
        return character
    noted = _lacking.get()
    if noted is not None:
        noted.add(character)
    return "\N{REPLACEMENT CHARACTER}"


def drawable(text: str) -> str:
    """One line of what the fonts can draw; ``�`` stands for what they cannot."""
    line = " ".join(text.split())
    return "".join(_shown(one) for one in line if unicodedata.category(one)[0] != "C")


def elided(text: str, inches: float, size: float = SMALL) -> str:
    """One line no wider than ``inches``; what is left out is in the middle, as ``…``."""
    line = drawable(text)
    if width_of(line, size) <= inches:
        return line
    low, high = 0, len(line)
    while low < high:  # the most characters that fit
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(line, middle, inches, size) else (low, middle - 1)
    return _kept(line, low)


def _kept(line: str, count: int) -> str:
    first = (2 * count + 2) // 3
    return f"{line[:first]}…{line[len(line) - (count - first) :]}"


def _fits(line: str, count: int, inches: float, size: float) -> bool:
    return width_of(_kept(line, count), size) <= inches


def wrapped(text: str, inches: float, size: float = SMALL) -> list[str]:
    """Lines no wider than ``inches``; a longer word is elided."""
    lines: list[str] = []
    for word in drawable(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= inches:
            lines[-1] = longer
        else:
            lines.append(elided(word, inches, size))
    return lines
