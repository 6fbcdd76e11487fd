"""The section "How fast" of README.md, made from a file of figures.

    python benchmarks/suite/readme.py [FIGURES]

The file is kept as ``benchmarks/figures.json``, so that a test sees that both agree.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.common import ROOT
from benchmarks.suite.figures import OURS, by_name, read_figures, shown
from benchmarks.suite.table import machine_words
from headbrush.analysis.store.errors import InputError

KEPT = ROOT / "benchmarks" / "figures.json"
PAGE = ROOT / "README.md"
_SECTION = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)
_LASSO = "10% of {} patterns"
_WHO = {
    OURS: "headbrush, eight views",
    "HoloViews": "HoloViews `link_selections` + datashader, two plots",
    "plain Bokeh": "plain ColumnDataSource + WebGL, two plots",
}
_READERS = "brushing and stepping, {} readers"


def section(found: Mapping[str, Any]) -> str:
    """Markdown: machine, the lasso's table and what else readers ask for.

    Raises
    ------
    InputError
        If a figure that it names was not measured.
    """
    figures = by_name(found["figures"])
    sizes = [what.split(" of ")[1].removesuffix(" patterns") for _, what, who in figures
             if what.startswith("lasso, 10%") and who == OURS]  # fmt: skip
    versions = found["versions"]
    lines = [
        f"Measured by `make bench`: {machine_words(found)}; Bokeh {versions['bokeh']}, HoloViews "
        f"{versions['holoviews']}, datashader {versions['datashader']}; Chromium drew in software.",
        "Time in ms, p50 / p95, from releasing a lasso over 10 % of the patterns until the last "
        "view was painted, and the data sent:",
        "",
        f"| patterns | {' | '.join(_WHO.values())} |",
        f"|{'---|' * (1 + len(_WHO))}",
    ]
    lines += [f"| {size} | {' | '.join(_cells(figures, size))} |" for size in sizes]
    return "\n".join([*lines, "", *_sentences(figures), ""])


def _cells(figures: Mapping[Any, Any], size: str) -> Iterable[str]:
    what = _LASSO.format(size)
    for who in _WHO:
        time = figures.get(("brushing", f"lasso, {what}", who))
        sent = figures.get(("brushing", f"sent by a lasso, {what}", who))
        yield f"{_both(time)}, {sent['median']:.2f} MB" if time and sent else "not measured"


def _sentences(figures: Mapping[Any, Any]) -> list[str]:
    def of(benchmark: str, what: str) -> Mapping[str, Any]:
        try:
            return figures[benchmark, what, OURS]
        except KeyError:
            raise InputError(
                f"{benchmark}: {what!r} was not measured; run all of `make bench`."
            ) from None

    twenty, fifty = (of("load", _READERS.format(n)) for n in (20, 50))
    page = of("load", "each further page, 50 readers")
    first = of("starting", "serve, to the first page")
    model = of("starting", "serve, to the model's first answer")
    report = of("starting", "report, to its end")
    return [
        f"With twenty readers who each brush or step once a second, one process answers in "
        f"{_both(twenty)} ms; with fifty, in {_both(fifty)} ms.",
        f"Each further page takes {shown(page['median'])} MB of the server's memory. "
        f"`headbrush serve` shows its first page after {shown(first['median'])} s,",
        f"and the model's first answer after {shown(model['median'])} s; "
        f"`headbrush report` of the demo takes {shown(report['median'])} s.",
    ]


def _both(figure: Mapping[str, Any]) -> str:
    return f"{shown(figure['median'])} / {shown(figure['p95'])}"


def with_section(page: str, found: Mapping[str, Any]) -> str:
    """``page`` with the section made anew between its two marks."""
    text = section(found)
    return _SECTION.sub(lambda _: text, page, count=1)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("figures", type=Path, nargs="?", default=KEPT)
    path = parser.parse_args().figures
    try:
        found = read_figures(path)
        page = with_section(PAGE.read_text(encoding="utf-8"), found)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    KEPT.write_text(text, encoding="utf-8")
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
