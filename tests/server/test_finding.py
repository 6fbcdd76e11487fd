"""The box over the images finds one by id or name, and brushes a class by its name."""

import numpy as np
import pytest

from headbrush.server.views.images.image_overview import ImageOverview
from tests.server.pages import part


@pytest.mark.parametrize(
    ("typed", "selected"), [("7", 7), ("class-1/004.png", 4), ("99", None), ("<b>", None)]
)
def test_finding_an_image_by_id_or_name(session, typed, selected):
    find = part(ImageOverview(session), "find_image")
    session.select_image(None)
    find.value = typed
    assert session.state.image == selected
    assert bool(find.title) == (selected is None)
    assert find.value == ("" if selected is not None else typed)


def test_a_class_is_brushed_by_its_name(session, data):
    find = part(ImageOverview(session), "find_image")
    assert set(data.class_names) <= set(find.completions)
    find.value = data.class_names[1]
    np.testing.assert_array_equal(session.brush().images, data.labels == 1)
    assert find.value == find.title == ""
    find.value = "no such class"
    assert "no image" in find.title


@pytest.mark.parametrize(
    ("typed", "kind", "image"),
    [("12", 1, None), ("#12", None, 12), ("7", None, 7), ("#7", None, 7), ("#x", None, None)],
)
def test_a_class_called_by_a_number_is_brushed_and_its_image_has_a_sign(
    session, data, typed, kind, image, monkeypatch
):
    monkeypatch.setattr(data, "class_names", ["0", "12", "#x y"])
    find = part(ImageOverview(session), "find_image")
    session.select_image(None)
    session.history.change(clauses=())
    find.value = typed
    assert session.state.image == image
    if kind is not None:
        np.testing.assert_array_equal(session.brush().images, data.labels == kind)
        assert find.title == "class 12 brushed; #12 selects the image"
    else:
        assert not session.brush().active
