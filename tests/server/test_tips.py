"""Tooltips: any pattern under the pointer, and pictures of where heads look."""

import base64
import io
from itertools import count

import numpy as np
import pytest
from bokeh.models import HoverTool
from PIL import Image

from headbrush.analysis.store.store import Store
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.tools.loops import kernels
from headbrush.server.views.common.figure_tools import REACH, inner_size
from headbrush.server.views.common.head_pictures import offset_picture, picture
from headbrush.server.views.importance.head_importance import HeadImportance
from headbrush.server.views.patterns.pattern_layout import PatternLayout
from headbrush.server.views.patterns.pattern_tip import PatternTip
from headbrush.server.views.strength.strength_overview import StrengthOverview
from tests.server.pages import run_until
from tests.stores import make_named_store


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = make_named_store(tmp_path_factory.mktemp("tips") / "s.headbrush", 1)
    return StoreData(Store(path))


@pytest.fixture
def session(data):
    return Session(data, default_state(data))


class Pointer:
    """Asks as the browser does, and waits for the answer."""

    def __init__(self, session, document):
        self.plot = PatternLayout(session).plot
        self.tip = PatternTip(session, self.plot)
        self._document, self._numbers = document, count()

    def ask(self, x, y):
        number = next(self._numbers)
        self.tip.asked.tags = [x, y, number]
        self.wait(lambda: self.tip.told.tags[:1] == [number])
        return self.tip.told.tags

    def wait(self, condition):
        run_until(self._document, condition)


@pytest.fixture
def pointer(session, document):
    return Pointer(session, document)


@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_point_is_that_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(500, 2)).astype("f4")
    points[::7] = np.nan
    x, y, per_x, per_y = 0.3, -0.2, 40.0, 90.0
    squares = ((points - [x, y]) * [per_x, per_y]) ** 2
    found, distance = kernels.nearest(kernels.given(points, np.float32), x, y, per_x, per_y)
    assert found == np.nanargmin(squares.sum(1))
    assert distance == pytest.approx(np.nanmin(squares.sum(1)), rel=1e-4)


def test_no_point_is_near_nothing():
    nothing = kernels.given(np.full((4, 2), np.nan), np.float32)
    assert kernels.nearest(nothing, 0.0, 0.0, 1.0, 1.0)[0] == -1


@pytest.mark.parametrize("pattern", [0, 49, 143])
def test_a_pattern_is_told_with_image_head_name_and_class(pointer, data, pattern):
    x, y = data.embedding("patch")[pattern].tolist()
    image, head = divmod(pattern, data.num_heads)
    told = pointer.ask(x, y)
    guess = data.class_name(int(data.predicted[image]))
    assert told[1].split("\n") == [
        f"{data.head(head)} · 2 rows above",
        data.names[image],
        f"true: {data.true_class(image)}",
        f"predicted: {guess} ({100 * data.probability[image].max():.0f}\u00a0%)",
    ]
    assert told[3] == [x, y]
    titles = dict(told[2])
    assert titles["image"] == data.thumbnail(image)
    assert titles["mean offset"] == offset_picture(data, head)
    if image in data.store.kept_images:
        pointer.wait(lambda: "attention" in dict(pointer.tip.told.tags[2]))


def test_far_from_every_pattern_nothing_is_told(pointer, data):
    xy = data.embedding("patch")
    width, _ = inner_size(pointer.plot)
    shown = pointer.plot.x_range
    pixel = (shown.end - shown.start) / width
    right = int(xy[:, 0].argmax())
    x, y = xy[right].tolist()
    assert pointer.ask(x + (REACH - 1) * pixel, y)[1] is not None
    assert pointer.ask(x + (REACH + 1) * pixel, y)[1] is None


@pytest.mark.parametrize(
    "asked", [[], [0.0], [0.0, "x", 1], [float("nan"), 0.0, 1], [float("inf"), 0.0, 1], [{}, [], 1]]
)
def test_what_is_no_place_is_not_answered(pointer, asked):
    pointer.tip.asked.tags = asked
    assert pointer.tip.told.tags == []


def test_with_a_server_one_tooltip_is_for_all_patterns(pointer):
    assert not [tool for tool in pointer.plot.tools if isinstance(tool, HoverTool)]


def decoded(url):
    return np.asarray(
        Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"), int
    )


def test_a_picture_is_darkest_where_the_value_is_largest():
    values = np.random.default_rng(0).uniform(0, 0.1, (7, 9))
    values[2, 5] = 1
    shown = decoded(picture(values))
    assert shown.shape == (7, 9, 3)
    assert np.unravel_index(shown[..., 2].argmin(), (7, 9)) == (2, 5)
    assert decoded(picture(np.ones((300, 300)))).shape == (64, 64, 3)
    assert decoded(picture(np.zeros((3, 3)))).min() == 255


def head_tip(plot):
    """The tip of the heads' dots, which all have a row in the shared source of heads."""
    tips = plot.select({"type": HoverTool})
    (hover,) = (tip for tip in tips if "pattern" in tip.renderers[0].data_source.column_names)
    return hover


@pytest.mark.parametrize("kind", [HeadImportance, StrengthOverview])
def test_only_pictures_of_heads_that_are_looked_at_are_sent(session, data, kind):
    hover = head_tip(kind(session).plot)
    assert not any(session.heads.data["offset_picture"])
    for asked in (3, data.num_heads, -1, "evil", 3):
        hover.tags = [asked]
    sent = session.heads.data["offset_picture"]
    assert [number for number, html in enumerate(sent) if html] == [3]
    assert offset_picture(data, 3) in sent[3]


def test_an_older_store_has_no_pictures_of_heads(store_path):
    old = StoreData(Store(store_path))
    session = Session(old, default_state(old))
    plot = HeadImportance(session).plot
    assert [title for title, _ in head_tip(plot).tooltips] == ["head", ""]
    assert offset_picture(old, 0) == ""


def test_a_report_has_the_pictures_of_all_heads(data):
    report = make_report(data, views=["head_importance"])
    assert all(report.session.heads.data["offset_picture"])
