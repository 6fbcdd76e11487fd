"""A store that version 0.1 wrote opens, reports and is sound."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import headbrush
from headbrush.analysis.doctor.diagnose import SOUND, diagnose
from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.schema import METRICS, VARIABLES
from headbrush.analysis.store.store import Store
from headbrush.server.pages.store_card import card_of
from headbrush.server.stores.store_data import StoreData

PATH = Path(__file__).parent.parent / "golden" / "version-0.1"
MEANS = {
    "probability": 0.00023765738,
    "jsd": 1.6254653e-05,
    "cls": 0.30197811,
    "patch": 0.3018122,
    "gradient": 0.0066656149,
}
KEPT = [0, 2]


def test_its_values_are_those_that_were_written():
    store = Store(PATH)
    for name, spec in VARIABLES.items():
        assert store.has(name) or spec.optional
        if store.has(name):
            store.read(name)
    assert store.attrs["headbrush_version"] == "0.1.0"
    assert store.read("name")[0] == "circle/0.png"
    means = store.read("importance").mean((1, 2, 3), dtype=np.float64)
    assert dict(zip(METRICS, means, strict=True)) == pytest.approx(MEANS, rel=1e-5)
    assert store.kept_images.tolist() == KEPT
    assert store.attention(KEPT[1], 1, 1)[2, 3] == pytest.approx(0.058837890625)


def test_it_is_listed_and_reported():
    data = StoreData(Store(PATH))
    assert card_of(data).model == "example"
    assert card_of(data).notes == ""
    assert dict(facts_of(data.store, 1))["attention kept for"] == "1 file"
    assert "circle/0.png" in headbrush.report(PATH, images=[KEPT[0]], heads=[(1, 0)]).html


def test_the_doctor_says_what_it_lacks():
    out = io.StringIO()
    assert diagnose([PATH], Console(file=out, width=400), Console(file=io.StringIO())) == SOUND
    assert "made by an older headbrush, without checksums" in out.getvalue()
