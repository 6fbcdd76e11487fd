"""The remaining time of a whole run: what was expected, corrected by what has been measured."""

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from headbrush.analysis.pipeline import analyze
from headbrush.analysis.preflight import expect
from headbrush.analysis.preflight.expect import Expected
from headbrush.analysis.preflight.forecast import Forecast, forecast_of
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from tests.models import save_images, save_tiny_model

PHASES = ({"a": 40.0}, {"b": 60.0, "c": 20.0}, {"d": 5.0})
ORDER = (("a",), ("b", "c"), ("d",))


def remaining(slowness, phases=PHASES, steps=8):
    """Pairs of what is left by the forecast and in truth, while every phase runs at its speed."""
    now = 0.0
    forecast = Forecast(phases, lambda: now)
    lengths = [sum(phase.values()) * slow for phase, slow in zip(phases, slowness, strict=True)]
    pairs = []
    for number, titles in enumerate(ORDER):
        for step in range(steps + 1):
            now = sum(lengths[:number]) + lengths[number] * step / steps
            for title in titles:
                forecast.advance(title, step / steps)
            pairs.append((forecast.seconds, sum(lengths) - now))
    return pairs


def test_nothing_is_known_before_the_first_stage_and_nothing_is_said():
    forecast = Forecast(PHASES)
    assert forecast.seconds is None
    assert str(forecast) == ""
    forecast.advance("another stage", 0.5)
    assert forecast.seconds is None
    empty = Forecast([{}, {}])
    empty.advance("a", 0.5)
    assert empty.seconds is None


def test_as_expected_the_remaining_time_is_exact():
    for told, true in remaining((1, 1, 1)):
        assert told == pytest.approx(true, abs=1e-9)


@given(st.floats(1, 20))
def test_a_machine_that_is_slower_throughout_is_known_once_a_phase_is_over(slowness):
    for told, true in remaining((slowness,) * 3)[9:]:
        assert told == pytest.approx(true, rel=1e-6, abs=1e-6)


@given(st.floats(0.1, 1))
def test_a_fast_first_phase_promises_nothing_for_the_others(speed):
    for told, true in remaining((speed, 1, 1))[9:]:
        assert told == pytest.approx(true, rel=1e-6, abs=1e-6)


@given(st.tuples(*[st.floats(0.2, 5)] * 3))
def test_it_is_never_negative_nears_the_truth_within_a_phase_and_ends_at_zero(slowness):
    pairs = remaining(slowness)
    assert all(told >= 0 for told, _ in pairs)
    wrong = [abs(told - true) for told, true in pairs[9:17]]
    last = PHASES[2]["d"] * max(1, *slowness)  # of which nothing has been measured
    assert wrong[-1] <= wrong[0] + last
    assert pairs[-1] == pytest.approx((0, 0), abs=1e-6)


def test_what_an_earlier_run_has_finished_is_no_speed():
    now = 0.0
    forecast = Forecast([{"a": 40.0}], lambda: now)
    forecast.advance("a", 0.75)  # 40 s are expected for the last quarter
    assert forecast.seconds == pytest.approx(40)
    now = 10.0
    forecast.advance("a", 0.75 + 0.25 / 4)
    assert forecast.seconds == pytest.approx(30)


@pytest.mark.parametrize(
    ("cores", "workers", "is_beside", "seconds"),
    [
        (2, 2, True, 50 + 30),  # both need all of the machine of the benchmarks
        (1, 1, True, 50 + 30),
        (16, 8, True, 50),  # the cores are enough for both
        (4, 4, True, (50 * 4 + 30 * 2) / 4),
        (2, 0, True, 50),  # pruned elsewhere
        (16, 8, False, 50 + 30),
    ],
)
def test_layouts_beside_pruning_are_not_simply_added(
    monkeypatch, cores, workers, is_beside, seconds
):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert expect.together(50, 30, is_beside, workers) == pytest.approx(seconds)


def expected(seconds, rest):
    return Expected(1, 1, 1, 0, seconds, rest, 0.0, 0.0, 0.0)


def test_the_forecast_of_a_run_begins_with_what_was_expected():
    whole = expected(
        {"attention": 30.0, "pruning": 50.0, "layouts": 30.0, "writing": 2.0}, rest=60.0
    )
    assert whole.total_seconds == 92
    now = 0.0
    forecast = forecast_of(whole)
    forecast = Forecast(forecast.phases, lambda: now)
    forecast.advance("measure attention", 0.0)
    assert forecast.seconds == pytest.approx(whole.total_seconds)
    assert str(forecast) == "about 2 min left"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_shows_what_is_left_of_the_whole_run(tmp_path, monkeypatch, is_terminal):
    monkeypatch.setattr(
        "headbrush.analysis.pipeline.forecast_of",
        lambda _expected: Forecast([{"measure attention": 300.0, "prune heads": 300.0}]),
    )
    out = io.StringIO()
    request = Request(
        images=Path(save_images(tmp_path / "images")),
        out=tmp_path / "s",
        model=str(save_tiny_model(tmp_path / "model")),
        per_class=2,
    )
    analyze(request, StageProgress(Console(file=out, force_terminal=is_terminal, width=100)))
    assert (" left" in out.getvalue()) == is_terminal
    if is_terminal:
        before, after = out.getvalue().split(" left", 1)
        assert before.split("about ")[-1].endswith((" min", " s"))
        assert not out.getvalue().rstrip().endswith("left")
        assert "write summary" in after
