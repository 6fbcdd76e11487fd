"""The images whose most probable class is another under the prune set."""

from html import escape

from bokeh.layouts import column
from bokeh.models import Button

from headbrush.analysis.prune.summary import PruneEffect
from headbrush.analysis.store.facts.grouped import grouped
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.views.common.written import button, pictured, written
from headbrush.server.views.what_if.set_answer import SetAnswer

_MOST = 60


class ChangedPredictions:
    """Their pictures, true class, and the class before and after; they can be brushed."""

    name = "changed_predictions"
    title = "Which predictions change?"
    help = (
        "The images whose most probable class is another without the heads of the prune set, in "
        "the order in which they were found. Click one to select it; the button brushes them all, "
        "so that every view shows only these images."
    )

    def __init__(self, session: Session, answer: SetAnswer) -> None:
        self._session, self._answer = session, answer
        self._shown: tuple[object, ...] = ()
        self._brush = Button(
            label="Brush these images", name="changed_brush", height=24, max_width=210,
            sizing_mode="stretch_width",
            css_classes=["hb-small"], margin=(4, 6, 2, 6), visible=False,
        )  # fmt: skip
        self._brush.on_click(lambda: self._brush_them())
        self._list = written("changed_list", scrolls=True, margin=(2, 6))
        self.layout = column(self._brush, self._list, sizing_mode="stretch_both", name=self.name)
        answer.changed.follow(self._draw)
        session.history.on_change(["image"], self.react)

    def react(self, _state: ViewState) -> None:
        """Mark the selected image."""
        self._draw()

    def _effect(self) -> PruneEffect | None:
        pruned = self._session.state.pruned
        return self._answer.effect(pruned) if pruned else None

    def _draw(self) -> None:
        effect, image = self._effect(), self._session.state.image
        count, words = 0 if effect is None else len(effect.flipped), self._words(effect)
        self._session.summaries.describe(self.name, words)
        shown = (self._session.state.pruned, count, image, "" if count else words)
        if shown == self._shown:
            return
        self._shown = shown
        self._brush.visible = bool(count)
        self._brush.label = f"Brush the {grouped(count)} changed images"
        tiles = "" if effect is None else "".join(
            self._tile(int(one), int(becomes))
            for one, becomes in zip(effect.flipped[:_MOST], effect.becomes, strict=False)
        )  # fmt: skip
        more = f"<p>and {grouped(count - _MOST)} more: brush them</p>" if count > _MOST else ""
        self._list.text = f"<ul>{tiles}</ul>{more}" if tiles else f"<p>{escape(words)}</p>"

    def _words(self, effect: PruneEffect | None) -> str:
        if not self._session.data.has_classifier:
            return self._session.data.no_prediction
        if not self._session.state.pruned:
            return "No head is pruned, so no prediction changes."
        if effect is None:
            return self._answer.waits_for or "asking the model …"
        count = len(effect.flipped)
        so_far = "" if self._answer.is_done else " so far"
        if not count:
            return f"None of the {grouped(effect.count)} predictions{so_far} changes."
        return f"{grouped(count)} of {grouped(effect.count)} predictions{so_far} change."

    def _tile(self, image: int, becomes: int) -> str:
        data = self._session.data
        was, now = data.class_name(int(data.predicted[image])), data.class_name(becomes)
        truth = data.true_class(image)
        name = data.names[image]
        inner = pictured(data.thumbnail(image), f"{was} → {now}", f"true: {truth}")
        title = f"{name}: {was} becomes {now}; {data.worded('true class')} {truth}"
        pressed = image == self._session.state.image
        return f"<li>{button('image', image, '', title, inner, pressed)}</li>"

    def _brush_them(self) -> None:
        effect = self._effect()
        if effect is not None and len(effect.flipped):
            self._session.brush_ids("images", effect.flipped.tolist(), "replace")
