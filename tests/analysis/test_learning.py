"""The layouts that are made beside each other."""

import time

import numpy as np
import pytest
from rich.console import Console

from headbrush.analysis.measures.embedding import Layout
from headbrush.analysis.measures.fidelity import Fidelity
from headbrush.analysis.run import fits
from headbrush.analysis.run.fits import LayoutStage, finish_layouts
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.work_folder import PartFiles


@pytest.fixture
def parts(tmp_path):
    (tmp_path / "parts").mkdir()
    return PartFiles(tmp_path)


@pytest.fixture
def progress():
    return StageProgress(Console(quiet=True))


def stages(rows):
    return {name: LayoutStage(name, lambda: rows, None) for name in ("one", "other")}


@pytest.mark.parametrize("together", [1, 2])
def test_layouts_made_beside_each_other_are_those_made_alone(parts, progress, together):
    rows = np.random.default_rng(0).normal(size=(60, 5)).astype("f4")
    finish_layouts(stages(rows), parts, 0, progress, together)
    alone = fits.layout(rows, seed=0)
    for name in ("one", "other"):
        xy, kept = parts.load(name, "xy", "kept")
        np.testing.assert_array_equal(xy, alone.xy)
        assert kept == alone.fidelity.kept


def test_what_one_layout_fails_of_is_raised_and_the_other_one_stops(parts, progress, monkeypatch):
    steps = []

    def layout(features, *, on_progress, **_):
        if len(features) == 1:
            raise MemoryError
        for _step in range(2_000):
            on_progress(0.5)
            steps.append(0.5)
            time.sleep(0.01)  # the work of a step
        return Layout(features, Fidelity())

    monkeypatch.setattr(fits, "layout", layout)
    unequal = {
        "long": LayoutStage("long", lambda: np.zeros((2, 2)), None),
        "failing": LayoutStage("failing", lambda: np.zeros((1, 2)), None),
    }
    with pytest.raises(MemoryError):
        finish_layouts(unequal, parts, 0, progress, together=2)
    assert len(steps) < 1_000
    assert not parts.has("long")


def test_a_finished_layout_is_not_made_again(parts, progress):
    parts.save("one", xy=np.zeros((3, 2)))
    finish_layouts(
        {"one": LayoutStage("one", lambda: pytest.fail("made again"), None)}, parts, 0, progress, 1
    )
