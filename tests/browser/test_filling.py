"""The page of an unfinished store says what it waits for, and fills without being loaded again."""

import shutil

import numpy as np

from headbrush.analysis.store.schema import VARIABLES
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.stores.store_data import StoreData
from tests.browser.conftest import HeadbrushPage, serving

LAYOUTS = ("offset_embedding", "patch_embedding", "cls_embedding")


def unfinish(path, out):
    """A copy of a store as it was before heads were pruned and patterns laid out."""
    store = Store(path)
    out.mkdir()
    shutil.copytree(path / "attention", out / "attention")
    (out / "parts").mkdir()
    values = {name: store.read(name).copy() for name in filter(store.has, VARIABLES)}
    values["importance"][:4] = np.nan
    for name in LAYOUTS:
        values[name][:] = np.nan
    pending = " ".join(("importance", *LAYOUTS))
    write_summary(out, values, {**store.attrs, "pending": pending})
    return out


def test_a_page_fills_itself_when_the_analysis_goes_on(browser, store_path, tmp_path):
    path = unfinish(store_path, tmp_path / "s.headbrush")
    final = StoreData(Store(store_path))
    with serving(path) as url, browser.new_context() as context:
        page = HeadbrushPage(context.new_page(), f"{url}?image=0")
        page.page.evaluate("window.isTheSamePage = true")
        assert page.value("metric", "value") == "gradient"
        page.wait("named('pattern_note').text.startsWith('Waits for the layout by offset')")
        page.wait("named('importance_note').text.startsWith('Waits for pruning')")
        shutil.copy(store_path / "summary.nc", path / "summary.nc")
        page.wait("named('metric').value == 'jsd'")
        for note in ("pattern_note", "importance_note"):
            page.wait(f"!named('{note}').visible && !named('{note}').text")
        shown = page.page.evaluate(
            "['x', 'y'].map(c => Array.from("
            "Bokeh.documents[0].get_model_by_name('own_patterns').get_column(c)))"
        )
        assert len(shown[0]) == final.num_heads
        in_layout = {tuple(row) for row in final.embedding("offset").tolist()}
        assert {tuple(row) for row in np.float32(shown).T.tolist()} <= in_layout
        assert page.page.evaluate("window.isTheSamePage")
        assert page.faults == []
