"""Images without a true class are neither correctly nor wrongly predicted."""

import csv
import gzip
import io

import numpy as np
import pytest

from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.session.brush import csv_export
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.stores.words import accuracy_words
from headbrush.server.views.common.legend_buttons import brush_legend_entry
from headbrush.server.views.images.image_overview import ImageOverview
from tests.server.pages import words
from tests.stores import attributes, make_store, values

HIDDEN = {"none": [], "some": [0, 1, 5], "all but one": range(1, 99), "all": range(99)}


@pytest.fixture(params=HIDDEN)
def case(request, tmp_path):
    """Data of which some labels are removed, and which were kept."""
    path = make_store(tmp_path / "s.headbrush")
    content = values()
    known = np.ones(len(content["label"]), bool)
    known[[image for image in HIDDEN[request.param] if image < len(known)]] = False
    content["label"][~known] = -1
    source = "folder" if known.any() else "prediction"
    write_summary(path, content, attributes(label_source=source))
    return StoreData(Store(path)), known


def test_only_labelled_images_are_right_or_wrong(case):
    data, known = case
    stored, predicted = data.store.read("label"), data.probability.argmax(1)
    for image in range(data.num_images):
        right = bool(known[image] and stored[image] == predicted[image])
        assert data.correct[image] == right
        expected = (0 if right else 1) if known[image] else 2
        assert data.correctness[image] == expected


def test_the_accuracy_is_that_of_labelled_images(case):
    data, known = case
    said = accuracy_words(data)
    if not known.any():
        assert said.startswith("no labels")
        assert "accuracy" not in dict(facts_of(data.store, 1))
        return
    right = (data.predicted == data.store.read("label"))[known].mean()
    assert said.startswith(f"{100 * right:.1f}\u00a0%")
    assert (f"of {known.sum()} labelled images" in said) == (not known.all())
    assert dict(facts_of(data.store, 1))["accuracy"].startswith(f"{100 * right:.1f}\u00a0%")


def test_the_legend_has_a_third_kind_only_where_there_is_one(case):
    data, known = case
    session = Session(data, default_state(data))
    overview = ImageOverview(session)
    session.history.change(image_colour="correct")
    assert ("no label" in words(overview, "image_legend")) == (not known.all())
    for number, expected in enumerate((data.correct, known & ~data.correct, ~known)):
        brush_legend_entry(session, "correct", number, "replace")
        if expected.any():
            np.testing.assert_array_equal(session.brush().images, expected)
        else:
            assert not session.brush().images.any()


def test_the_csv_leaves_the_cells_of_unlabelled_images_empty(case):
    data, known = case
    session = Session(data, default_state(data))
    content = gzip.decompress(csv_export.to_csv(data, session.resolved(()), "images")).decode()
    for row, is_known in zip(csv.DictReader(io.StringIO(content)), known, strict=True):
        assert bool(row["correct"]) == bool(row["true_class"]) == is_known
        column = "probability_of_true_class"
        assert bool(row.get(column)) == bool(row.get("loss")) == is_known
