"""A page asks for figures of what it shows; nothing that it asks is trusted."""

import gzip
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import headbrush
from headbrush import cli
from headbrush.analysis.store.errors import InputError
from headbrush.server.pages.figures.compose import draw_figure
from headbrush.server.pages.figures.on_page import PageFigures
from headbrush.server.session.reader import ReaderLists
from headbrush.server.session.url_state import default_state
from tests.server.pages import run_until


def ask(figures, *words):
    figures.asked.tags = [*words, len(figures.told.tags)]
    return figures.told.tags


def answer(figures, document):
    """Wait until the figure, or why there is none, is told."""
    run_until(document, lambda: not figures.told.tags[0].startswith("drawing"))
    return figures.told.tags


def test_a_page_gets_the_figure_of_what_it_shows(session, data, document):
    session.history.change(metric="patch", image=4, layer=2, head=1)
    figures = PageFigures(session)
    said = ask(figures, "B1", "two", "svg")
    assert said[0] == "drawing small-B1-L2H1-class-1-004.svg …" or "saved" in said[0]
    words, _, name, packed = answer(figures, document)
    assert words == "small-B1-L2H1-class-1-004.svg saved"
    assert name == "small-B1-L2H1-class-1-004.svg"
    expected = draw_figure(data, session.state, ReaderLists(), "B1", 6.9, 300, True)
    assert gzip.decompress(packed) == expected.content("svg")


@pytest.mark.parametrize(
    "words",
    [(), ("B1",), ("B9", "one", "pdf"), ("B1", "3", "pdf"), ("B1", "one", "exe"), (None, 1, [])],
)
def test_what_a_page_may_not_ask_is_left_unanswered(session, words):
    assert ask(PageFigures(session), *words) == []


def test_one_figure_is_drawn_at_a_time_and_a_failure_is_one_line(session, document):
    begun, go_on = threading.Event(), threading.Event()

    def draw(*_given):
        begun.set()
        go_on.wait(20)
        raise InputError("No image is brushed, so no head has a value.")

    figures = PageFigures(session, draw)
    ask(figures, "B1", "one", "pdf")
    assert begun.wait(20)
    assert ask(figures, "B2", "one", "pdf")[0].startswith("Still drawing")
    assert len(figures.told.tags) == 2
    go_on.set()
    run_until(document, lambda: figures.told.tags[0].startswith("No image"))
    assert len(figures.told.tags) == 2
    assert ask(figures, "B1", "one", "pdf")[0].startswith("drawing")


def invoke(*words):
    return CliRunner().invoke(cli.app, ["figure", *map(str, words)])


def test_the_command_writes_a_figure_and_python_draws_the_same(store_path, tmp_path, data):
    out = tmp_path / "f.svg"
    done = invoke(store_path, "--panel", "c2", "--head", "0.1", "--image", 3, "--out", out)
    assert done.exit_code == 0, done.output
    assert "3.35 × " in done.output
    drawn = headbrush.figure(data.store, (0, 1), "class-0/003.png", panel="C2", width=3.35)
    assert out.read_bytes() == drawn.content("svg")
    written = tmp_path / "g.svg"
    headbrush.figure(data.store, "0.1", 3, panel="C2", out=written)
    assert written.read_bytes() == out.read_bytes()


def test_a_figure_without_a_name_is_named_by_what_it_shows(store_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke(store_path, "--panel", "D4", "--link", "head=2.1&image=4&threshold=3")
    assert done.exit_code == 0, done.output
    assert "The link's threshold could not be used." in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["small-D4-L2H1-class-1-004.pdf"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--out", "f.gif"), "expected a name that ends in .pdf, .svg or .png"),
        (("--out", "no/f.pdf"), "the folder no does not exist"),
        (("--panel", "B2", "--image", "4", "--out", "f.pdf"), "headbrush: "),
        (("--width", "huge"), "--width huge: expected one"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_no_file(
    store_path, tmp_path, monkeypatch, words, expected
):
    monkeypatch.chdir(tmp_path)
    done = invoke(store_path, *words)
    assert done.exit_code == 2
    assert expected in done.output
    assert done.output.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_all_images_are_their_mean(data):
    state = replace(default_state(data), layer=2, head=1, image=None)
    bars = draw_figure(data, state, ReaderLists(), "C2", 3.35, 300, True).axes[0].patches
    mean = data.strength[:, 5].mean(0)
    assert [bar.get_height() for bar in bars] == pytest.approx(mean.tolist())
