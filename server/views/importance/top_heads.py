"""Buttons beside B1's metric that step through the heads by importance."""

from bokeh.layouts import row
from bokeh.models import Button, Div

from headbrush.server.session.brush.named_brushes import MOST_COMPARED
from headbrush.server.session.session import Session
from headbrush.server.session.state import ViewState
from headbrush.server.stores.heads import rank_heads
from headbrush.server.stores.metrics import DIRECT
from headbrush.server.tools.loops.means import mean_and_deviation
from headbrush.server.views.common.choice import labelled, small_buttons

_SHOWN = 5
_STEPS = {
    False: ("more important head", "less important head"),
    True: ("head that says more", "head that says less"),
}
"""What the buttons step to, by whether the metric is what heads say."""
_SMALL = ["hb-small"]
_WORDS: dict[str, str | None] = {"margin": "4px 4px", "white-space": "nowrap", "font-size": "11px"}


class TopHeads:
    """Heads in the order of the metric for the selected image, else for the brushed images."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._order = list(range(session.data.num_heads))
        self._heads = small_buttons("top_heads", [], margin=0)
        self._rank = Div(
            text="", render_as_text=True, name="head_rank", styles=_WORDS | {"min-width": "44px"}
        )
        self._title = Div(text="", render_as_text=True, name="top_heads_of", styles=_WORDS)
        self._steps = [self._step_button("‹", -1), self._step_button("›", 1)]
        self.layout = row(
            self._title,
            self._steps[0],
            self._heads,
            self._steps[1],
            self._rank,
            spacing=0,
            styles={"flex-wrap": "wrap", "max-width": "100%"},
        )
        session.history.follow(["metric", "image", "clauses"], self.react)
        session.history.on_change(["layer", "head"], self.react_to_head)
        session.reader.follow_named(self._make_room)
        self._heads.on_change("active", self._on_active)

    def _step_button(self, label: str, by: int) -> Button:
        button = Button(
            label=label,
            name=f"head_rank_{by:+d}",
            width=24,
            height=24,
            margin=0,
            css_classes=_SMALL,
        )
        button.on_click(lambda: self._step(by))
        return button

    def react(self, new: ViewState) -> None:
        """Rank the heads; those without a value come last."""
        values = self._session.data.importance(new.metric)
        if new.image is not None:
            effect = values[new.image]
        else:
            effect = mean_and_deviation(values, self._session.brush("heads").images)[0]
        self._title.text = self._of(new)
        for button, words in zip(self._steps, _STEPS[new.metric == DIRECT], strict=True):
            button.html_attributes = {"title": words, **labelled(words)}
        self._order = rank_heads(effect)
        labels = self._session.data.head_labels
        self._heads.labels = [labels[number] for number in self._order[:_SHOWN]]
        self.react_to_head(new)

    def _make_room(self) -> None:
        """Give the title's place to the choice of chart or table, if two brushes are compared."""
        self._title.visible = len(self._session.reader.compared()) < MOST_COMPARED

    def _of(self, state: ViewState) -> str:
        count = int(self._session.brush("heads").images.sum())
        if state.image is not None:
            return "top of this image:"
        is_brushed = count < self._session.data.num_images
        return f"top of {count} images:" if is_brushed else "top of all images:"

    def react_to_head(self, _state: ViewState) -> None:
        """Mark the selected head, and say its rank."""
        rank = self._place()
        self._heads.active = rank if rank < _SHOWN else None
        self._rank.text = f"{rank + 1} of {len(self._order)}"

    def _place(self) -> int:
        return self._order.index(self._session.head.number)

    def _step(self, by: int) -> None:
        rank = min(max(self._place() + by, 0), len(self._order) - 1)
        self._session.select_head(self._order[rank])

    def _on_active(self, _attribute: str, _old: int | None, new: int | None) -> None:
        if new is not None:
            self._session.select_head(self._order[new])
