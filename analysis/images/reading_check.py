"""Leave out the images that cannot be read, and list them in a file."""

import csv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from headbrush.analysis.images.decoding import ImageError
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.store.atomic_files import replacing


def drop_unreadable(
    images: ImageSet, on_progress: Callable[[float], None] = lambda _share: None
) -> ImageSet:
    """Decode every image once and leave out those that fail, with the reason.

    Raises
    ------
    ImageError
        If none is left.
    """
    reasons = []
    with ThreadPoolExecutor(None if images.thread_safe else 1) as pool:
        for done, reason in enumerate(pool.map(images.fault, range(len(images)))):
            reasons.append(reason)
            on_progress((done + 1) / len(images))
    skipped = tuple((n, r) for n, r in zip(images.names, reasons, strict=True) if r)
    kept = images.take([i for i, reason in enumerate(reasons) if not reason])
    if not len(kept):
        raise ImageError(
            f"{images.source}: none of its {len(images)} images can be read; "
            f"the first, {skipped[0][0]!r}: {skipped[0][1]}."
        )
    return replace(kept, skipped=(*images.skipped, *skipped))


def write_skipped(path: Path, skipped: Sequence[tuple[str, str]]) -> None:
    """Write ``skipped.csv`` (name, reason) into the folder ``path``, at once or not at all."""
    with (
        replacing(path / "skipped.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        csv.writer(file).writerows([("name", "reason"), *skipped])
