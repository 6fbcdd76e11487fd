"""How the entropy of one head is distributed over all images and over the brushed ones."""

from unittest.mock import patch

import numpy as np
import pytest
from bokeh.models import HoverTool

from headbrush.server.views.strength.entropy_distribution import EntropyDistribution
from tests.server.pages import columns, part, plot_of, words


def test_shares_of_all_and_of_brushed_images_each_sum_to_100(session, data):
    view = EntropyDistribution(session)
    session.history.change(layer=1, head=1)
    values = data.entropy[:, 3]
    shown = columns(view, "entropy_bars")
    assert shown["all"].sum() == pytest.approx(100)
    assert shown["brushed"].sum() == 0
    session.images.selected.indices = chosen = [0, 3, 8, 20]
    shown = columns(view, "entropy_bars")
    assert shown["brushed"].sum() == pytest.approx(100)
    for left, right, share in zip(shown["left"], shown["right"], shown["brushed"], strict=True):
        last = right == shown["right"][-1]
        inside = [left <= v < right or (last and v == right) for v in values[chosen]]
        assert share == pytest.approx(25 * sum(inside))
    assert "4 brushed" in words(view, "entropy_legend")


def test_the_line_is_the_selected_image_and_leaves_with_it(session, data):
    view = EntropyDistribution(session)
    session.history.change(image=7, layer=2, head=0)
    assert part(view, "entropy_line").location == pytest.approx(data.entropy[7, 4])
    session.select_image(None)
    assert not part(view, "entropy_line").visible
    assert "this image" not in words(view, "entropy_legend")


def test_a_head_that_is_the_same_everywhere_is_one_bar(session, data):
    same = np.full_like(data.entropy, 1.0)
    with patch.dict(vars(data), {"entropy": same}):
        view = EntropyDistribution(session)
    assert sorted(columns(view, "entropy_bars")["all"])[-2:] == [0, 100]
    assert plot_of(view).x_range.start < 1 < plot_of(view).x_range.end


def test_the_tooltip_tells_the_share_of_the_brushed_where_there_are_some(session):
    view = EntropyDistribution(session)
    (hover,) = (tool for tool in plot_of(view).tools if isinstance(tool, HoverTool))
    for chosen in ([], [0, 3], []):
        session.images.selected.indices = chosen
        told = [name for name, _ in hover.tooltips]
        assert ("of the brushed ones" in told) == bool(chosen)
