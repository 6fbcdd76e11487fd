"""Names in other scripts: drawn by a font that has them, else said once."""

import warnings

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager

from headbrush.server.pages.figures.parts import fonts
from headbrush.server.pages.figures.parts.paper import new_figure

WORDS = "上衣"


def square(size):
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, size), (size, size), (size, 0)):
        pen.lineTo(corner)
    pen.closePath()
    return pen.glyph()


@pytest.fixture
def font(tmp_path, monkeypatch):
    """A font of two characters, installed."""
    names = [".notdef", "one", "two"]
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder(names)
    made.setupCharacterMap(dict(zip(map(ord, WORDS), names[1:], strict=True)))
    made.setupGlyf({name: square(900) for name in names})
    made.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    made.setupHorizontalHeader(ascent=900, descent=-100)
    made.setupNameTable(
        {"familyName": "Noto Sans SC", "styleName": "Regular", "psName": "NotoSansSC-Regular"}
    )
    made.setupOS2(sTypoAscender=900, usWinAscent=900, usWinDescent=100)
    made.setupPost()
    made.save(tmp_path / "font.ttf")
    manager = font_manager.fontManager
    monkeypatch.setattr(manager, "ttflist", [*manager.ttflist])
    manager.addfont(tmp_path / "font.ttf")
    fonts.families.cache_clear()
    fonts.is_drawable.cache_clear()
    yield
    fonts.families.cache_clear()
    fonts.is_drawable.cache_clear()


def written(ending):
    with warnings.catch_warnings(), fonts.paper_style():
        warnings.simplefilter("error")
        figure = new_figure(2, 1)
        figure.text(0.1, 0.5, fonts.drawable(WORDS))
        return figure.content(ending)


@pytest.mark.usefixtures("font")
@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_a_font_of_the_system_draws_what_the_first_lacks(ending):
    with fonts.lacking() as characters:
        assert fonts.drawable(WORDS) == WORDS
    assert fonts.lacking_words(characters) == ""
    assert fonts.width_of(WORDS, 10) == pytest.approx(20 / 72, rel=0.02)
    content = written(ending)
    if ending == "pdf":
        assert b"NotoSansSC" in content
    if ending == "svg":
        assert WORDS in content.decode()


def test_a_character_without_a_font_is_a_sign_and_one_note():
    unknown = "\U00013000"
    with fonts.lacking() as characters:
        assert fonts.drawable(f"a{unknown}{unknown}") == "a��"
    assert characters == {unknown}
    assert fonts.lacking_words(characters).count(unknown) == 1
