"""A report says what takes its room."""

import pytest

from headbrush.server.pages.report.make_report import make_report
from headbrush.server.pages.report.sizes import size_words


def test_the_parts_are_the_whole_file(data):
    report = make_report(data, views=["image_overview"])
    sizes = report.sizes
    assert sum(sizes.values()) == pytest.approx(len(report.html.encode()) / 1e6)
    assert 1 < sizes["Bokeh's scripts"] < 3
    assert 0 < sizes["plots"] < 1
    assert 0 < sizes["values to save"] < 1


@pytest.mark.parametrize(("plots", "is_large"), [(2.0, False), (6.5, True)])
def test_a_large_one_says_what_makes_it_smaller(plots, is_large):
    text = size_words({"plots": plots, "values to save": 0.25, "Bokeh's scripts": 3.0})
    assert text.startswith(f"{plots + 3.25:.1f} MB (")
    assert ("--head" in text) == is_large
