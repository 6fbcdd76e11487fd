"""Tells readers of an unfinished store how far its analysis is."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from headbrush.analysis.run.progress import Advance
from headbrush.analysis.store.facts.news import NEWS, Awaited, News

_BEAT_S = 1.0


class Reporter:
    """Writes the news of an analysis every second while the ``with`` block runs.

    Nothing depends on this file, so a disk that does not take it stops no analysis.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / NEWS
        self._awaited: dict[str, Awaited] = {}
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="headbrush-news", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        if self._path.parent.is_dir():  # it is not finished
            self._write(News(0, True, dict(self._awaited)))

    @contextmanager
    def making(self, *names: str) -> Iterator[Advance]:
        """Report what makes variables; the block calls what it is given with its share."""
        self._since |= dict.fromkeys(names, time.monotonic())

        def advance(share: float) -> None:
            self._say(names, share=share)

        try:
            yield advance
        except Exception as error:
            self._say(names, fault=" ".join(f"{type(error).__name__}: {error}".split()))
            raise

    def _say(self, names: tuple[str, ...], **changed: float | str) -> None:
        with self._lock:
            for name in names:
                seconds = time.monotonic() - self._since[name]
                before = self._awaited.get(name, Awaited())
                self._awaited[name] = replace(before, seconds=seconds, **changed)

    def _beat(self) -> None:
        beat = 0
        while not self._done.wait(_BEAT_S):
            with self._lock:
                said = dict(self._awaited)
            self._write(News(beat := beat + 1, False, said))

    def _write(self, news: News) -> None:
        temporary = self._path.with_name(f"{self._path.name}.unfinished")
        with suppress(OSError):
            temporary.write_text(news.as_json(), encoding="utf-8")
            temporary.replace(self._path)
