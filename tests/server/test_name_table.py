"""C1's table of heads by name and layer counts what the store's names say."""

import numpy as np
import pytest

from headbrush.analysis.store.facts.head_names import head_names
from headbrush.analysis.store.facts.pattern_families import NO_NAME
from headbrush.analysis.store.store import Store
from headbrush.server.session.session import Session
from headbrush.server.session.url_state import default_state
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.strength.name_table import NameTable, name_cells, ordered_names
from headbrush.server.views.strength.strength_overview import StrengthOverview
from tests.server.pages import part
from tests.stores import make_named_store

PLOTS = {
    "names": "name_table", "entropy": "overview_plot", "counts": "head_counts",
}  # fmt: skip
NUMBER = np.full((24, 3, 2), -1)
NUMBER[:, 0], NUMBER[:, 1, 0], NUMBER[:13, 2, 1] = 1, 2, 0


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = make_named_store(tmp_path_factory.mktemp("table") / "s.headbrush", NUMBER)
    return StoreData(Store(path))


@pytest.fixture
def session(data):
    return Session(data, default_state(data))


def test_cells_count_the_heads_of_each_name_and_layer(data):
    names = [name.family or NO_NAME for name in head_names(data.store)]
    cells = name_cells(data)
    found = {
        (name, layer): (count, ids)
        for name, layer, count, ids in zip(
            *(cells[key] for key in ("name", "layer", "count", "ids")), strict=True
        )
    }
    expected = {}
    for name in set(names):
        every = [number for number, one in enumerate(names) if one == name]
        expected[name, "all"] = (len(every), every)
        for layer in {number // 2 for number in every}:
            own = [number for number in every if number // 2 == layer]
            expected[name, str(layer)] = (len(own), own)
    assert found == expected
    assert found["rows above", "0"] == (2, [0, 1])


def test_the_most_frequent_name_comes_first_and_no_name_last(data):
    assert ordered_names(data) == ["rows above", "self", NO_NAME]


def test_cells_without_a_brushed_head_are_faint(session):
    table = NameTable(session)
    table.show(True)
    cells = table.layout.select_one({"name": "name_cells"}).data
    assert set(cells["alpha"]) == {1.0}
    session.brush_ids("heads", [2], "replace")
    cells = table.layout.select_one({"name": "name_cells"}).data
    strong = {(name, layer) for name, layer, alpha in zip(cells["name"], cells["layer"],
              cells["alpha"], strict=True) if alpha == 1}  # fmt: skip
    assert strong == {("self", "1"), ("self", "all")}


def test_the_cell_of_the_selected_head_is_framed(session):
    table = NameTable(session)
    table.show(True)
    session.history.change(layer=1, head=0)
    assert table.layout.select_one({"name": "name_ring"}).data == {"layer": [1], "row": [1]}


def test_one_of_the_overviews_is_shown(session):
    view = StrengthOverview(session)
    for overview in PLOTS:
        session.history.change(overview=overview)
        found = {name: view.layout.select_one({"name": plot}) for name, plot in PLOTS.items()}
        shown = {name for name, plot in found.items() if plot is not None and plot.visible}
        assert shown == {overview}


def test_a_store_without_names_says_so(store_path):
    data = StoreData(Store(store_path))
    session = Session(data, default_state(data))
    view = StrengthOverview(session)
    session.history.change(overview="names")
    assert "no names" in part(view, "names_missing").text
    assert view.layout.select_one({"name": "name_table"}) is None
