"""The suite of benchmarks: what is noted, summed up, shown, compared and told in the README."""

import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import common
from benchmarks.suite import compare, readme, run, table
from benchmarks.suite.figures import by_name, read_figures, shown, spread, summed_up
from benchmarks.suite.plan import PLAN, Benchmark
from headbrush.analysis.store.errors import InputError
from tests.test_docs import ROOT

LASSO = "lasso, 10% of 14 040 patterns"
TOLD = (
    ("brushing", LASSO, [100.0, 110.0, 90.0], "ms"),
    ("brushing", "sent by a lasso, 10% of 14 040 patterns", 0.2, "MB"),
    ("load", "brushing and stepping, 20 readers", [16.0, 18.0], "ms"),
    ("load", "brushing and stepping, 50 readers", [35.0, 37.0], "ms"),
    ("load", "each further page, 50 readers", 6.0, "MB"),
    ("starting", "serve, to the first page", 2.5, "s"),
    ("starting", "serve, to the model's first answer", 4.5, "s"),
    ("starting", "report, to its end", 5.0, "s"),
)


def figure(benchmark, what, values, unit, who="headbrush", is_more_better=False):
    note = {"what": what, "who": who, "unit": unit, "is_more_better": is_more_better}
    every = values if isinstance(values, list) else [values]
    return summed_up(benchmark, [note | {"values": every}])[0]


def made_up(*more, factor=1.0):
    """A file of figures whose own times of the lasso are multiplied, peers' are not."""
    figures = [figure(*one) for one in TOLD]
    figures[0] = figure("brushing", LASSO, [factor * one for one in TOLD[0][2]], "ms")
    figures.append(figure("brushing", LASSO, [200.0, 210.0], "ms", "HoloViews"))
    return {
        "machine": {"processor": "P", "cores": 2, "memory_gb": 8, "system": "S", "load": 0.1},
        "versions": {"bokeh": "3.9.2", "holoviews": "1.23", "datashader": "0.19"},
        "when": "2026-01-02T03:04:05+00:00",
        "benchmarks": {one["benchmark"]: {"seconds": 1.0, "failed": ""} for one in figures},
        "figures": figures + list(more),
    }


def slower(found, factor):
    """The same on a machine that takes so many times as long for everything."""
    figures = [
        one | {"median": one["median"] * (factor if one["unit"] in ("ms", "s") else 1)}
        for one in found["figures"]
    ]
    return found | {"figures": figures}


def told(before, after):
    lines, is_worse = compare.compared(before, after)
    return "\n".join(lines), is_worse


def test_what_is_noted_is_kept_where_the_suite_asks_for_it(tmp_path, monkeypatch):
    monkeypatch.delenv(common.NOTES, raising=False)
    common.note("nothing is kept", 1.0, "s")
    notes = tmp_path / "notes"
    monkeypatch.setenv(common.NOTES, str(notes))
    common.note("a", np.array([1.0, 2.0, 6.0]), "ms")
    common.note("a", 3, "ms")
    common.note("a", 9.0, "ms", "a peer")
    lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    ours, peer = summed_up("bench", lines)
    assert (ours["times"], ours["median"]) == (4, 2.5)
    assert ours["p95"] == np.quantile([1, 2, 3, 6], 0.95)
    assert (peer["who"], peer["times"], peer["median"]) == ("a peer", 1, 9)


def test_the_spread_is_the_interval_of_the_median():
    """Of seven values the interval of 95 % is that from the least to the largest."""
    assert spread(np.arange(1.0, 8)) == (7 - 1) / 2 / 4
    random = np.random.default_rng(0)
    inside = 0
    for _ in range(500):
        drawn = random.exponential(size=25)
        inside += abs(np.median(drawn) - np.log(2)) <= 2 * spread(drawn) * np.median(drawn)
    assert inside > 475
    assert spread(np.full(9, 4.0)) == 0


def test_numbers_have_three_digits_that_matter():
    every = {0: "0", 0.0312: "0.0312", 7.5: "7.50", 96: "96.0", 161.4: "161", 13211: "13 211"}
    assert {value: shown(value) for value in every} == every


def test_the_table_has_every_figure_beside_its_peers():
    found = made_up(figure("brushing", "a dragged box", 16.0, "pictures/s", "headbrush", True))
    found["benchmarks"]["hover"] = {"seconds": 300.0, "failed": "ended after 300 s"}
    text = table.markdown(found)
    assert f"| {LASSO} | 100 (109) ms | HoloViews 205 (210) ms | 2.05× |" in text
    assert "| a dragged box | 16.0 pictures/s |  |  |" in text
    assert "**hover**, 300 s; failed: ended after 300 s" in text
    assert all(what in text for _, what, _, _ in TOLD)


def test_more_pictures_a_second_are_better():
    own = figure("b", "w", 16.0, "pictures/s", "headbrush", True)
    assert table.ratio(own, own | {"median": 8.0}) == 2
    assert compare.worsening(own, own | {"median": 8.0}) == 2


def test_the_same_twice_is_alike():
    text, is_worse = told(made_up(), made_up())
    assert not is_worse
    assert text == "8 figures: 0 worse, 0 better, 8 alike; 0 missing"


def test_what_became_slower_is_named_with_both_figures():
    text, is_worse = told(made_up(), made_up(factor=2))
    assert is_worse
    assert f"worse: brushing, {LASSO}: 100 (109) ms before, 200 (218) ms now, 2.00 times" in text
    assert "1 worse, 0 better" in text
    text, is_worse = told(made_up(factor=2), made_up())
    assert not is_worse
    assert f"better: brushing, {LASSO}" in text


def test_a_change_within_the_noise_is_none():
    assert not told(made_up(), made_up(factor=1.2))[1]  # each run spreads by a tenth


def test_a_slower_machine_is_no_worse_program():
    text, is_worse = told(made_up(), slower(made_up(), 3))
    assert not is_worse
    assert "peers took 3.00 times as long as before" in text
    text, is_worse = told(made_up(), slower(made_up(factor=2), 3))
    assert is_worse
    assert "1 worse" in text


def test_more_bytes_are_worse_whatever_the_machine():
    after = slower(made_up(), 3)
    after["figures"][1]["median"] *= 2
    text, is_worse = told(made_up(), after)
    assert is_worse
    assert "worse: brushing, sent by a lasso" in text


def test_a_figure_that_is_not_there_any_more_is_missing_where_it_was_asked_for():
    after = made_up()
    del after["figures"][0]
    text, is_worse = told(made_up(), after)
    assert is_worse
    assert f"missing: brushing, {LASSO}" in text
    only_load = made_up()
    only_load["figures"] = [one for one in only_load["figures"] if one["benchmark"] == "load"]
    del only_load["benchmarks"]["brushing"], only_load["benchmarks"]["starting"]
    assert not told(made_up(), only_load)[1]
    only_load["figures"] = []
    assert told(made_up(), only_load)[1]


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"figures": []}'])
def test_other_files_are_refused_in_one_line(tmp_path, content):
    path = tmp_path / "figures.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"Expected a file that `make bench` wrote\.$"):
        read_figures(path)
    words = [sys.executable, ROOT / "benchmarks" / "suite" / "compare.py", path, path]
    ended = subprocess.run(words, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1


def test_the_section_of_the_readme_is_made_of_the_figures():
    page = "before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n"
    text = readme.with_section(page, made_up())
    assert text.startswith("before\n<!-- figures -->\nMeasured by")
    assert text.endswith("<!-- end of figures -->\nafter\n")
    assert "old" not in text
    assert "| 14 040 | 100 / 109, 0.20 MB | not measured | not measured |" in text
    assert "17.0 / 17.9 ms; with fifty, in 36.0 / 36.9 ms" in text
    assert readme.with_section(text, made_up()) == text
    lacking = made_up()
    lacking["figures"] = lacking["figures"][:4]
    with pytest.raises(InputError, match="load: 'each further page, 50 readers' was not measured"):
        readme.with_section(page, lacking)


def test_the_readme_holds_the_figures_that_are_kept():
    page = readme.PAGE.read_text(encoding="utf-8")
    assert page.count("<!-- figures -->") == page.count("<!-- end of figures -->") == 1
    if readme.KEPT.exists():
        assert readme.with_section(page, read_figures(readme.KEPT)) == page


def test_the_plan_names_scripts_that_note_figures():
    for benchmark in PLAN.values():
        text = (ROOT / "benchmarks" / benchmark.script).read_text(encoding="utf-8")
        assert "note(" in text
    assert run.chosen([]) == list(PLAN)
    with pytest.raises(InputError, match=r"brush: no such benchmark. Did you mean brushing\?"):
        run.chosen(["brush"])


def test_a_benchmark_runs_and_what_fails_is_told(tmp_path, monkeypatch, capfd):
    good = "from benchmarks.common import note\nnote('w', [1, 2, 3], 's')\n"
    scripts = {"good": good, "bad": good + "raise SystemExit(3)\n",
               "endless": good + "import time\ntime.sleep(100)\n"}  # fmt: skip
    plan = {}
    for name, text in scripts.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        limit = 3 if name == "endless" else 60
        plan[name] = Benchmark(str(tmp_path / f"{name}.py"), limit=limit)
    monkeypatch.setattr(run, "PLAN", plan)
    found = run.measured(list(plan), tmp_path, is_quick=False)
    assert {name: one["failed"] for name, one in found["benchmarks"].items()} == {
        "good": "", "bad": "exit status 3", "endless": "ended after 3 s",
    }  # fmt: skip
    assert list(by_name(found["figures"])) == [(name, "w", "headbrush") for name in plan]
    run.write(found, tmp_path / "figures.json")
    assert read_figures(tmp_path / "figures.json") == found
    assert (tmp_path / "figures.md").read_text(encoding="utf-8") in capfd.readouterr().out
