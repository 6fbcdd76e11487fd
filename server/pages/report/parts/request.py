"""The heads, images and views of a report; every mistake in them is one sentence. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from headbrush.analysis.store.errors import InputError
from headbrush.server.pages.report.parts.fast_start import MODEL_VIEWS
from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.state import WORKSPACES
from headbrush.server.stores.heads import rank_heads
from headbrush.server.stores.metrics import METRIC_NAMES
from headbrush.server.stores.store_data import StoreData
from headbrush.server.views.registry import ROWS

_ORDERED = sorted(ROWS, key=lambda row: row.report_order)
_FIRST = [row for row in _ORDERED if row.workspace == WORKSPACES[0]]
OVERVIEWS = tuple(row.name for row in _FIRST if not row.is_of_one_head)
PAGE_VIEWS = tuple(row.name for row in _FIRST if row.is_of_one_head)
SECTIONS = {
    workspace: tuple(row.name for row in _ORDERED if row.workspace == workspace)
    for workspace in WORKSPACES[1:]
}
"""Views of each further workspace."""
WHAT_IF = SECTIONS["what_if"]
"""They need a prune set."""
WITHOUT_SET = (*OVERVIEWS, *SECTIONS["trends"], *SECTIONS["explain"])
VIEWS = (*WITHOUT_SET, *WHAT_IF, *PAGE_VIEWS)
T = TypeVar("T")
USUAL_HEADS = 5
ALL = "all"
"""In place of an image: means over all of them."""
MOST_PAGES = 40
MOST_PLACES = 1_000_000
"""With more patterns the coordinates are left out, and the picture is static."""


@dataclass(frozen=True)
class ReportRequest:
    """The checked request: the pages and views of a report.

    Attributes
    ----------
    pages
        Pairs of a head's number and an image, or None for means over the images.
    views
        Names of views, in the order of the page.
    why
        How the pages were chosen, as a sentence.
    """

    pages: tuple[tuple[int, int | None], ...]
    views: tuple[str, ...]
    why: str

    @property
    def needs_model(self) -> bool:
        """Whether a page, or a prune set, needs the live model."""
        has_set = not set(WHAT_IF).isdisjoint(self.views)
        return has_set or (bool(self.pages) and not MODEL_VIEWS.isdisjoint(self.views))


def read_request(
    data: StoreData,
    images: Sequence[object] | int = (),
    heads: Sequence[object] = (),
    views: Sequence[str] = (),
    has_set: bool = False,
) -> ReportRequest:
    """Check the request against a store.

    Parameters
    ----------
    images
        Ids or file names, or ``all`` for means over all images; by default each head is shown by
        its means, and in an image to which it matters.
    heads
        ``layer.head`` or pairs; by default the most important heads of the store.
    views
        Names of views; by default all.
    has_set
        Whether there is a prune set, which some views are about.

    Raises
    ------
    InputError
        If an image, head or view is not in the store, or the request has too many pages.
    """
    images, heads, views = listed(images), listed(heads), listed(views)
    for view in views:
        if view not in VIEWS:
            raise InputError(f"--view {view}: unknown view; choose from {', '.join(VIEWS)}.")
        if view in WHAT_IF and not has_set:
            raise InputError(f"--view {view}: it shows a prune set; give one with --prune 2.0,3.4.")
    usual = VIEWS if has_set else (*WITHOUT_SET, *PAGE_VIEWS)
    shown = tuple(view for view in VIEWS if view in views) if views else usual
    chosen_heads = [read_head(data, word) for word in heads]
    chosen_images = [None if is_all(data, word) else read_image(data, word) for word in images]
    if not any(view in PAGE_VIEWS for view in shown):
        return ReportRequest((), shown, "")
    numbers = chosen_heads or most_important(data)
    why = _why(data, len(numbers), bool(heads), bool(images))
    return ReportRequest(_pages(data, numbers, chosen_images), shown, why)


def listed(words: Sequence[T] | T | int) -> Sequence[T]:
    """Several words; one by itself, as ``"2.0"`` or 3, is a list of one."""
    return cast(Sequence[T], [words] if isinstance(words, str | int) else words)


def _pages(
    data: StoreData, heads: Sequence[int], images: Sequence[int | None]
) -> tuple[tuple[int, int | None], ...]:
    """Pairs of a head and an image, each once; few enough for one file."""
    pages = {
        (number, image): None
        for number in heads
        for image in (images or [None, data.first.image_of(number)])
    }
    if len(pages) > MOST_PAGES:
        raise InputError(
            f"{len(heads)} heads in {len(images) or 2} images are {len(pages)} pages, at most "
            f"{MOST_PAGES} are shown: name fewer with --head and --image."
        )
    return tuple(pages)


def read_head(data: StoreData, word: object) -> int:
    """The number of a head that is named ``2.0`` or ``L2·H0``, or by such a pair."""
    text = ".".join(map(str, word)) if isinstance(word, tuple | list) else str(word)
    found = data.head_named(text)
    if found is None:
        raise InputError(
            f"--head {text}: expected layer.head, for example 2.0; this store has layers 0 to "
            f"{data.num_layers - 1} with heads 0 to {data.heads_per_layer - 1}."
        )
    return found.number


def read_image(data: StoreData, word: object) -> int:
    """The number of an image that is named by its id or its file name."""
    text = str(word)
    if text in data.names:
        return data.names.index(text)
    number = number_below(text, data.num_images)
    if number is None:
        raise InputError(
            f"--image {text}: expected an id from 0 to {data.num_images - 1} or a file name of "
            f"this store, for example {data.names[0]}."
        )
    return number


def is_all(data: StoreData, word: object) -> bool:
    """Whether a word for an image stands for the means over all of them."""
    return str(word).lower() == ALL and str(word) not in data.names


def most_important(data: StoreData) -> list[int]:
    """Numbers of the globally most important heads, the most important first."""
    return rank_heads(data.importance(data.first.metric).mean(0))[:USUAL_HEADS]


def _why(data: StoreData, count: int, heads: bool, images: bool) -> str:
    words = []
    if not heads:
        metric = METRIC_NAMES[data.first.metric]
        words.append(
            f"No head was given, so the {count} globally most important are shown: those with "
            f"the largest mean {metric} over all {data.num_images} images."
        )
    if not images:
        words.append(
            "No image was given, so each head is shown by its means over all images, and in the "
            "image to which it matters most, among those that are predicted correctly and whose "
            "attention is stored, if any."
        )
    return " ".join(words)


def why_kept(data: StoreData, style: str) -> str:
    """Why the picture of the patterns is static; empty if it can be brushed.

    ``style`` is one of ``PATTERN_STYLES``.
    """
    if style == "contours":
        return "The contours of the patterns are static: brush where they are shown as a density."
    if data.num_patterns <= MOST_PLACES:
        return ""
    return (
        f"The {data.num_patterns} patterns are a static picture that cannot be brushed: a report "
        f"holds the coordinates of at most {MOST_PLACES}."
    )
