"""The gallery shows the brushed images, sorted, and sends only what is asked for."""

import numpy as np
import pytest

from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.views.images.gallery import MOST_ROWS
from headbrush.server.views.images.gallery_order import (
    order_titles,
    sort_values,
    sorted_images,
    value_words,
)
from headbrush.server.views.images.image_overview import ImageOverview
from tests.server.pages import part


class Opened:
    """A page in the form of a gallery, as its script sees it."""

    def __init__(self, session):
        self.session = session
        self.view = ImageOverview(session)
        session.history.change(images_form="gallery", image=None, clauses=())
        self.told, self.asked = part(self.view, "image_gallery").tags
        self.stamp = 0

    def ask(self, *words):
        self.stamp += 1
        self.asked.tags = [*words, self.stamp]
        return self.told.tags

    @property
    def head(self):
        return self.told.tags[0]

    def act(self, name, *words):
        return self.ask(name, self.head["version"], *words)

    def shown(self):
        """Numbers of the images, in their order."""
        return [row[0] for row in self.ask("rows", 0, self.head["count"])[2]]


@pytest.fixture
def gallery(session):
    return Opened(session)


def slow_order(data, order, direction, head):
    """Images sorted by one look at each."""
    metrics = {name: data.importance(name)[:, head] for name in METRIC_NAMES}
    loss = [-float(np.log(p)) for p in data.label_probability]
    values = {
        "loss": loss, "p_true": data.label_probability, "file": range(data.num_images),
        "class": data.labels, **metrics,
    }[order]  # fmt: skip
    sign = 1 if direction == "up" else -1
    second = [-one for one in loss] if order == "class" else range(data.num_images)
    return sorted(range(data.num_images), key=lambda i: (sign * float(values[i]), second[i]))


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("order", ["loss", "p_true", "jsd", "gradient", "class", "file"])
def test_images_are_sorted_as_one_by_one(gallery, data, order, direction):
    gallery.session.history.change(image_order=order, image_direction=direction, layer=1, head=1)
    assert gallery.shown() == slow_order(data, order, direction, 3)


def test_images_without_a_value_come_last_in_both_directions(data, monkeypatch):
    chances = data.label_probability.copy()
    chances[[3, 7]], chances[5] = np.nan, 0
    monkeypatch.setattr(data, "label_probability", chances)
    for direction in ("up", "down"):
        assert sorted_images(data, "loss", direction, 0)[-2:].tolist() == [3, 7]
    assert sorted_images(data, "loss", "down", 0)[0] == 5
    assert value_words(data, "loss", 0, np.array([3, 5])) == ["", "∞"]
    assert np.isnan(sort_values(data, "stands_out", 0)).all()  # this store has none
    assert "stands_out" not in dict(order_titles(data))


def test_it_shows_what_is_brushed_or_all_with_marks(gallery, data):
    chosen = (2, 3, 11, 20)
    gallery.session.add_clause(Clause("images", Ids(chosen)))
    assert sorted(gallery.shown()) == list(chosen)
    assert gallery.head["count"] == 4
    gallery.ask("of", "all")
    rows = gallery.ask("rows", 0, data.num_images)[2]
    assert {row[0] for row in rows if row[2]} == set(chosen)
    assert [row[3] for row in rows] == data.correctness[[row[0] for row in rows]].tolist()
    assert [row[5:] for row in rows] == [
        [data.names[image], data.true_class(image), data.class_name(int(data.predicted[image]))]
        for image, *_rest in rows
    ]
    gallery.session.history.undo()
    gallery.session.history.undo()
    assert gallery.head["count"] == data.num_images


def test_a_thumbnail_is_sent_once_and_answers_are_bounded(gallery, data):
    first = gallery.ask("rows", 0, 3)[2]
    assert [row[4] for row in first] == [data.thumbnail(row[0]) for row in first]
    again = gallery.ask("rows", 2, 5)
    assert again[1] == 2
    assert [bool(row[4]) for row in again[2]] == [False, False, True, True]
    assert len(gallery.ask("rows", 0, 1 << 30)[2]) == min(MOST_ROWS, data.num_images)
    assert gallery.ask("rows", 10_000, 10_010)[2] == []


def test_a_click_selects_and_lets_go(gallery):
    order = gallery.shown()
    gallery.act("select", 4)
    assert gallery.session.state.image == order[4]
    assert (gallery.head["image"], gallery.head["place"]) == (order[4], 4)
    gallery.act("select", 4)
    assert gallery.session.state.image is None


@pytest.mark.parametrize("combine", ["replace", "add", "subtract", "intersect"])
def test_a_drag_joins_the_cells_of_its_box(gallery, data, combine):
    gallery.session.history.change(gallery_of="all", clauses=(Clause("images", Ids((0, 1, 2))),))
    order = gallery.shown()
    gallery.act("brush", combine, [1, 2], [0, 1], 5)
    inside = {order[row * 5 + column] for row in (1, 2) for column in (0, 1)}
    old = {0, 1, 2}
    joined = {
        "replace": inside, "add": old | inside, "subtract": old - inside,
        "intersect": old & inside,
    }[combine]  # fmt: skip
    assert set(np.flatnonzero(gallery.session.brush().images)) == joined
    assert gallery.shown() == order  # the tiles stay where they are
    assert data.num_images == len(order)


def test_space_adds_to_the_brush_and_takes_away(gallery):
    gallery.session.history.change(gallery_of="all")
    order = gallery.shown()
    for place, brushed in ((3, [order[3]]), (5, sorted([order[3], order[5]])), (3, [order[5]])):
        gallery.act("toggle", place)
        assert np.flatnonzero(gallery.session.brush().images).tolist() == brushed
    gallery.act("toggle", 5)
    assert not gallery.session.brush().active


@pytest.mark.parametrize(
    "words",
    [
        ("rows", -1, 5), ("rows", "0", 5), ("rows", 0), ("rows", True, 5), ("select", 1.5),
        ("select", 99), ("select", None), ("brush", "evil", [0, 1], [0, 1], 5),
        ("brush", "replace", [0], [0, 1], 5), ("brush", "replace", [1, 0], [0, 1], 5),
        ("brush", "replace", [0, 1], [0, 7], 5), ("brush", "replace", [0, 1 << 40], [0, 1], 5),
        ("brush", "replace", [0, 1], [0, 1], 0), ("brush", [], [0, 1], [0, 1], 5),
        ("toggle", []), ("of", "none"), ("direction", ["up"]), ("evil",), (None,),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_script_would_not_ask_changes_nothing(gallery, words):
    before = gallery.session.state
    gallery.ask(*words)
    if words[0] not in ("rows", "of", "direction"):
        gallery.act(*words)
    assert gallery.session.state == before


def test_a_place_of_another_order_is_not_taken_for_one_of_this(gallery):
    seen = gallery.head["version"]
    gallery.session.history.change(image_direction="up")
    gallery.ask("select", seen, 0)
    gallery.ask("brush", seen, "replace", [0, 1], [0, 1], 5)
    assert gallery.session.state.image is None
    assert not gallery.session.state.clauses


def test_it_does_nothing_while_it_is_hidden(gallery):
    gallery.session.history.change(images_form="layout")
    before = gallery.told.tags
    gallery.session.history.change(
        image=3, image_order="jsd", clauses=(Clause("images", Ids((1,))),)
    )
    gallery.ask("rows", 0, 3)
    assert gallery.told.tags is before
    gallery.session.history.change(images_form="gallery")
    assert gallery.shown() == [1]


def test_only_what_it_is_sorted_by_wakes_it(gallery):
    version = gallery.head["version"]
    gallery.session.history.change(layer=2, image=4)
    assert gallery.head["version"] == version
    gallery.session.history.change(image_order="jsd")
    gallery.session.history.change(layer=0)
    assert gallery.head["version"] == version + 2


def test_the_order_is_chosen_with_its_own_direction_in_one_step(gallery):
    select = part(gallery.view, "image_order")
    assert {"loss", "jsd", "class", "file"} < {name for name, _ in select.options}
    select.value = "p_true"
    assert gallery.session.state.image_direction == "up"
    gallery.session.history.undo()
    assert (select.value, gallery.session.state.image_direction) == ("loss", "down")


def test_a_model_without_a_classifier_begins_in_file_order(data, monkeypatch):
    monkeypatch.setattr(data, "probability", np.empty((data.num_images, 0)))
    monkeypatch.setattr(data, "label_probability", np.full(data.num_images, np.nan))
    gallery = Opened(Session(data, default_state(data)))
    assert gallery.shown() == list(range(data.num_images))
