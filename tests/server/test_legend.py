"""Legends show names as text, whatever they hold."""

from server.legend import gradient, swatches

EVIL = '<img src=x onerror="alert(1)">'


def test_names_are_escaped():
    for html in (swatches([EVIL], ["red"]), gradient(EVIL, EVIL, EVIL, ["red", "blue"])):
        assert "<img" not in html
        assert "&lt;img" in html


def test_more_than_twenty_names_are_counted():
    html = swatches([f"class {i}" for i in range(23)], ["red"] * 23)
    assert "class 19" in html
    assert "class 20" not in html
    assert html.endswith("and 3 more")
