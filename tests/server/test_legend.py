"""Legends show names as text, whatever they hold."""

from headbrush.server.views.common.legend import choices, gradient, swatches

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


def test_buttons_of_many_classes_can_all_be_reached_by_scrolling_or_by_name():
    def legend(count):
        return choices("class", [f"c{i}" for i in range(count)], ["red"] * count, range(count))

    assert "scroll" not in legend(20)
    assert legend(120).startswith("120 classes, scroll to see all:")
    assert legend(120).count("<button") == 120
    assert legend(1000).count("<button") == 200
    assert legend(1000).endswith("and 800 more: type a name above")
