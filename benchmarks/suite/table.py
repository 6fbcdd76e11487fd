"""The table of a file of figures: headbrush beside its peers, and how they compare.

python benchmarks/suite/table.py FIGURES
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.suite.figures import OURS, peers_of, read_figures, shown
from headbrush.analysis.store.errors import InputError

_HEADING = ("what", "headbrush, median (p95)", "peers, median (p95)", "peer ÷ headbrush")


def markdown(found: Mapping[str, Any]) -> str:
    """Machine and versions in two lines, then a table a benchmark."""
    lines = [f"{machine_words(found)}.", "", f"{versions_words(found)}.", ""]
    for name, how in found["benchmarks"].items():
        lines += [f"**{name}**, {how['seconds']:.0f} s{_failure(how)}", ""]
        rows = [_row(one, found["figures"]) for one in _of(found, name)]
        if rows:
            lines += [_line(_HEADING), _line(["---"] * len(_HEADING)), *map(_line, rows), ""]
    return "\n".join(lines)


def machine_words(found: Mapping[str, Any]) -> str:
    """The machine in one line."""
    own = found["machine"]
    return (
        f"{own['processor']}, {own['cores']} cores, {own['memory_gb']:g} GB, {own['system']}, "
        f"load {own['load']:g} at the start, {found['when'][:10]}"
    )


def versions_words(found: Mapping[str, Any]) -> str:
    """All versions in one line."""
    return ", ".join(f"{name} {number}" for name, number in found["versions"].items())


def amount(figure: Mapping[str, Any]) -> str:
    """Median, 95th percentile if there are several, and unit."""
    tail = f" ({shown(figure['p95'])})" if figure["times"] > 1 else ""
    return f"{shown(figure['median'])}{tail} {figure['unit']}".rstrip()


def ratio(figure: Mapping[str, Any], peer: Mapping[str, Any]) -> float:
    """How many times better headbrush is than a peer."""
    ours, theirs = figure["median"], peer["median"]
    if figure["is_more_better"]:
        ours, theirs = theirs, ours
    return theirs / ours if ours else float("nan")


def _of(found: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    own = [one for one in found["figures"] if one["benchmark"] == name]
    return [one for one in own if one["who"] == OURS]


def _row(figure: dict[str, Any], every: list[dict[str, Any]]) -> list[str]:
    peers = peers_of(figure, every)
    return [
        figure["what"],
        amount(figure),
        ", ".join(f"{peer['who']} {amount(peer)}" for peer in peers),
        ", ".join(f"{shown(ratio(figure, peer))}×" for peer in peers),
    ]


def _failure(how: Mapping[str, Any]) -> str:
    return f"; failed: {how['failed']}" if how["failed"] else ""


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '¦') for cell in cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("figures", type=Path)
    try:
        print(markdown(read_figures(parser.parse_args().figures)))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
