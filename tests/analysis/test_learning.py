"""Works that are done beside each other."""

import threading
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest

from headbrush.analysis.run import fits
from headbrush.analysis.run.fits import LayoutStage, finish_layout, layout_of
from headbrush.analysis.run.together import Together
from headbrush.analysis.run.work_folder import PartFiles


def silent(_share):
    pass


@pytest.fixture
def parts(tmp_path):
    (tmp_path / "parts").mkdir()
    return PartFiles(tmp_path)


@pytest.mark.parametrize("threads", [0, 2])
def test_layouts_made_beside_each_other_are_those_made_alone(parts, threads):
    rows = np.random.default_rng(0).normal(size=(60, 5)).astype("f4")
    stage = LayoutStage("a layout", lambda: rows, None)
    names = ("one", "other", "third")
    works = [lambda name=name: finish_layout(name, stage, parts, 0, 1, silent) for name in names]
    Together(to_the_end=True).do(works[0], works[1:], threads)
    alone = fits.layout(rows, seed=0)
    for name in names:
        found = layout_of(parts, name)
        np.testing.assert_array_equal(found.xy, alone.xy)
        assert found.fidelity.kept == alone.fidelity.kept


def test_a_finished_layout_is_not_made_again(parts):
    parts.save("one", xy=np.zeros((3, 2)))
    stage = LayoutStage("a layout", lambda: pytest.fail("made again"), None)
    finish_layout("one", stage, parts, 0, 1, silent)


@pytest.mark.parametrize("threads", [0, 1, 2])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_one_fails_of_is_raised_when_the_others_are_done(place, threads):
    done = []

    def work(number):
        if number == place:
            raise MemoryError(number)
        done.append(number)

    works = [lambda number=number: work(number) for number in range(3)]
    together = Together(to_the_end=True)
    together.do(works[0], works[1:], threads)
    with pytest.raises(MemoryError, match=str(place)):
        together.raise_first()
    assert sorted(done) == [number for number in range(3) if number != place]


def test_an_interruption_ends_the_others_at_their_next_step():
    together, begun, ended = Together(to_the_end=True), threading.Event(), []
    advance = together.watched(lambda _share: begun.set())

    def long():
        try:
            for _step in range(6_000):
                advance(0.5)
                time.sleep(0.01)  # the work of a step
        except CancelledError:
            ended.append("cancelled")

    def interrupted():
        begun.wait()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        together.do(interrupted, [long], 1)
    assert ended == ["cancelled"]
