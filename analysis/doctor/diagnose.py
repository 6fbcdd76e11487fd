"""Print what an examination of stores finds; the exit code of ``headbrush doctor``."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from headbrush.analysis.doctor.findings import Finding, NoStore, Progress
from headbrush.analysis.doctor.guarded import examined
from headbrush.analysis.store.facts.percent import percent

SOUND, DAMAGED, NO_STORE = 0, 1, 2
_MOST = 100
"""Findings that are printed of one store."""


def diagnose(paths: Sequence[Path], out: Console, bars: Console) -> int:
    """Examine the stores one after the other; progress goes to ``bars``."""
    return max(_diagnose(path, out, bars) for path in paths)


def _diagnose(path: Path, out: Console, bars: Console) -> int:
    damages, number = 0, 0
    with bars.status(f"{path.name}") as status:
        for said in examined(path):
            if isinstance(said, Progress):
                status.update(f"{said.what} {percent(said.share)}")
                continue
            number += 1
            if number <= _MOST:
                note = isinstance(said, Finding) and not said.is_damage
                out.print(("note: " if note else "") + _clean(said.text), markup=False)
            if isinstance(said, NoStore):
                return NO_STORE
            damages += said.is_damage
    if number > _MOST:
        out.print(f"… and {number - _MOST} more.", markup=False)
    verdict = f"{damages} damages" if damages > 1 else "1 damage" if damages else "sound"
    out.print(f"{_clean(str(path))}: {verdict}.", markup=False)
    return DAMAGED if damages else SOUND


def _clean(text: str) -> str:
    """One line; a store may say anything, also to a terminal."""
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)
