"""The title bar: the selection and the brush in words, with undo, redo and clear."""

from collections.abc import Callable, Sequence
from dataclasses import fields

from bokeh.layouts import column, row
from bokeh.models import Button, Div

from headbrush.analysis.store.facts.grouped import grouped
from headbrush.analysis.store.facts.pattern_families import NO_NAME
from headbrush.analysis.store.facts.percent import percent
from headbrush.server.session.brush.clauses import Brush
from headbrush.server.session.brush.description import brushed_words
from headbrush.server.session.session import Session
from headbrush.server.session.state import Stage, ViewState
from headbrush.server.session.url_state import to_query
from headbrush.server.stores.answer import answer_words
from headbrush.server.tools.bokeh.browser_channel import Channel
from headbrush.server.views.header.brush_bar import BrushBar, MakeReport

_PICTURE = '<img width="28" height="28" style="image-rendering: pixelated" alt="" src="{}">'
"""Filled with the data address of a thumbnail only, never with text of the store."""


_NARROW = "@media (max-width: 1100px) { :host { flex-wrap: wrap; row-gap: 4px; } }"
_ELLIPSIS = (
    ".bk-clearfix { display: block !important; overflow: hidden; text-overflow: ellipsis; } "
    "@media (max-width: 1100px) { "
    ":host { white-space: normal !important; min-width: 150px !important; } }"
)
"""Of the block within that holds the words; the whole is in their title."""


class TitleBar:
    """Selection and brush in words; undo, redo, clear; the page's address follows the state."""

    name = "status"

    def __init__(self, session: Session, note: str, make_report: MakeReport) -> None:
        self._session = session
        self._selection = Div(
            text="",
            render_as_text=True,
            name="selection_text",
            sizing_mode="stretch_width",
            align="center",
            styles={
                "font-size": "13px",
                "white-space": "nowrap",
                "overflow": "hidden",
                "text-overflow": "ellipsis",
                "contain": "inline-size",
                "min-width": "220px",
            },
            stylesheets=[_ELLIPSIS],
        )
        self._brushed = Div(
            text="",
            render_as_text=True,
            name="brushed_text",
            align="center",
            styles={"font-size": "13px", "max-width": "100%", "color": "var(--accent)"},
        )
        self._picture = Div(text="", name="selected_picture", width=32, height=28, margin=0)
        self._all = _button("× all images", "all_images", lambda: session.select_image(None))
        self._all.update(width=98, html_attributes={"title": "Return to all images (Esc)"})
        self._answer = Div(
            text="", render_as_text=True, name="answer", sizing_mode="stretch_width", margin=0,
            styles={"font-size": "13px", "font-weight": "600"},
        )  # fmt: skip
        self._note = note
        history = session.history
        buttons: list[tuple[str, str, Callable[[], None]]] = [
            ("Clear brush", "clear", session.drop_clauses),
            ("Undo", "undo", history.undo),
            ("Redo", "redo", history.redo),
        ]
        made = [_button(*one) for one in buttons]
        self._clear, self._undo, self._redo = made
        self._undo.width = self._redo.width = 58
        self._link = Channel(name="link", tags=["", "", 0])
        bar = row(
            self._picture, self._all, self._selection, self._brushed, *made,
            styles={"min-height": "30px", "align-items": "center"}, sizing_mode="stretch_width",
            stylesheets=[_NARROW],
        )  # fmt: skip
        self.layout = column(
            self._answer, bar, name=self.name, sizing_mode="stretch_width",
            tags=[self._link, *BrushBar(session, make_report).channels],
        )  # fmt: skip
        history.follow(["image", "layer", "head"], self.react_to_selection)
        history.follow(["clauses"], self.react_to_brush)
        history.follow(["metric", "clauses"], self.react_to_answer)
        told = ["image", "layer", "head", "metric", "clauses"]
        history.follow(told, lambda _state: self._tell(), Stage.PAGE)
        history.on_change([part.name for part in fields(ViewState)], self.react_to_link)
        history.stepped.connect(lambda: self.react_to_link(history.state))
        for follow in (session.reader.follow_named, session.reader.follow_sets):
            follow(lambda: self.react_to_link(history.state))
        self._show_steps(history.state)
        session.previewed.connect(self._count)

    def react_to_selection(self, new: ViewState) -> None:
        """Name the selected image and head."""
        data = self._session.data
        picture = "" if new.image is None else data.thumbnail(new.image)
        self._picture.text = _PICTURE.format(picture) if picture else ""
        self._all.visible = new.image is not None
        self._picture.visible = new.image is not None
        if new.image is None:
            said, whole = self._of_all(data.short_patterns), self._of_all(data.head_patterns)
        else:
            said = whole = self._of_image(new.image)
        self._selection.update(text=said, html_attributes={"title": whole})

    def _of_all(self, patterns: Sequence[str]) -> str:
        """The selected head, with what the patterns of heads are called, over all images."""
        head = self._session.head
        name = patterns[head.number] if patterns else ""
        name = "no pattern name" if name == NO_NAME else name
        named = f"head {head}: {name}" if name else f"head {head}"
        return f"{named} · {self._all_words()}"

    def _of_image(self, image: int) -> str:
        """The selected head and an image, its classes, and what the head's pattern is there."""
        data, head = self._session.data, self._session.head
        truth = data.class_name(int(data.labels[image]))
        guess = data.class_name(int(data.predicted[image]))
        kind = "true" if data.is_labelled[image] else "no label, predicted"
        words = [f"head {head}", f"image {image}, {data.names[image]}: {kind} {truth}"]
        if data.is_labelled[image] and data.has_classifier:
            words += [f"predicted {guess} ({percent(data.probability[image].max())})"]
        name = data.pattern_label(image, head.number)
        words += [f"{head} here: {name}"] if name != NO_NAME else []
        return " · ".join(words)

    def react_to_brush(self, _state: ViewState) -> None:
        """Count what is brushed."""
        self._count(self._session.brush())
        self.react_to_selection(self._session.state)

    def react_to_answer(self, new: ViewState) -> None:
        """Say which head matters most, over the brushed images."""
        brushed = self._session.brush("heads").images
        self._answer.text = answer_words(self._session.data, new.metric, brushed)

    def _all_words(self) -> str:
        """Which images the page is about while none is selected."""
        count, total = int(self._session.brush("heads").images.sum()), self._session.data.num_images
        if count == total:
            return f"all {grouped(total)} images"
        return f"the {grouped(count)} brushed images"

    def _count(self, brush: Brush) -> None:
        words = brushed_words(self._session.data, brush)
        self._brushed.text = words if brush.active or not self._note else self._note

    def _tell(self) -> None:
        """Describe the bar, once for all of its parts."""
        self._session.summaries.describe(
            self.name, f"{self._answer.text} {self._selection.text}; {self._brushed.text}"
        )

    def react_to_link(self, new: ViewState) -> None:
        """Put the state into the page's address, once the gesture that changes it is over."""
        self._show_steps(new)
        if self._session.history.is_settled:
            reader = self._session.reader
            query, left_out = to_query(new, self._session.data, reader.named, reader.sets)
            self._link.tags = [query, left_out, self._session.history.step]

    def _show_steps(self, new: ViewState) -> None:
        history = self._session.history
        self._clear.disabled = not new.clauses
        self._undo.disabled = not history.has_past
        self._redo.disabled = not history.has_future


def _button(label: str, name: str, act: Callable[[], None]) -> Button:
    button = Button(label=label, name=name, width=84, height=28, align="center", margin=(0, 3))
    button.on_click(lambda: act())
    return button
