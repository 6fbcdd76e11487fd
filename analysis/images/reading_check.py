"""Leave out the images that cannot be read, and list them in a file."""

import csv
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from headbrush.analysis.images.decoding import ImageError
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.reading.traits import Traits, fitting, notes_on
from headbrush.analysis.store.atomic_files import replacing

_MOST_THREADS = 8
"""That decode at once, so that the memory for pictures does not grow with the machine."""


def drop_unreadable(
    images: ImageSet, on_progress: Callable[[float], None] = lambda _share: None
) -> ImageSet:
    """Decode every image once and leave out those that fail, with the reason.

    What is left has one scale for all pictures of more than 8 bits, and notes on what is special.

    Raises
    ------
    ImageError
        If none is left.
    """
    found = []
    for one in _examined(images):
        found.append(one)
        on_progress(len(found) / len(images))
    skipped = [(n, one) for n, one in zip(images.names, found, strict=True) if isinstance(one, str)]
    kept = images.take([i for i, one in enumerate(found) if not isinstance(one, str)])
    if not len(kept):
        raise ImageError(
            f"{images.source}: none of its {len(images)} images can be read; "
            f"the first, {skipped[0][0]!r}: {skipped[0][1]}."
        )
    traits = [one for one in found if not isinstance(one, str)]
    reading = fitting(images.reading, traits)
    return replace(
        kept,
        skipped=(*images.skipped, *skipped),
        reading=reading,
        notes=(*images.notes, *notes_on(reading, traits)),
    )


def _examined(images: ImageSet) -> Iterator[Traits | str]:
    """Each image's traits, or why it cannot be used; by this thread if no other may load."""
    if not images.thread_safe:
        yield from map(images.examine, range(len(images)))
        return
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        yield from pool.map(images.examine, range(len(images)))


def write_skipped(path: Path, skipped: Sequence[tuple[str, str]]) -> None:
    """Write ``skipped.csv`` (name, reason) into the folder ``path``, at once or not at all."""
    with (
        replacing(path / "skipped.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        csv.writer(file).writerows([("name", "reason"), *skipped])
