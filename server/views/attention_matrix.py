"""D4: the attention matrix of one head of one image (the paper's Fig. 1 D4)."""

import numpy as np
from bokeh.io import curdoc
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    CustomJSHover,
    HoverTool,
    LinearColorMapper,
    Paragraph,
    Range1d,
)

from analysis.store import StoreError

from ..figures import make_figure
from ..live import live_model, when_done
from ..palette import PATCH_RAMP, PREFIX_RAMP
from ..session import Session
from ..state import ViewState

PREFIX_WIDTH = 8
"""How many patch tokens wide a prefix token is drawn."""
_TOP_QUANTILE = 0.995
_WAITING = 0.2
"""Opacity of the last matrix while the next one is computed."""

_NAME_TOKEN = """
const position = special_vars.AXIS
const wide = prefix * width
if (position < wide) {
  const token = Math.floor(position / width)
  return has_class && token == 0 ? "CLS" : "prefix token " + token
}
const patch = Math.floor(position - wide)
const row = Math.floor(patch / columns)
return "patch " + patch + " (row " + row + ", column " + patch % columns + ")"
"""


class AttentionMatrix:
    """Rows are source tokens, columns target tokens; blue concerns prefix tokens, orange patches.

    Four pictures share the plot: prefix tokens are drawn wider, so they stay visible.
    """

    title = "Which token attends to which?"
    help = (
        "The attention of the selected head in the selected image: each row is a source token and "
        "sums to 1, each column a target token. Blue: from or to prefix tokens such as CLS, drawn "
        "wider to be seen; orange: between patches. Point at a cell to read it."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._document = curdoc()
        self._request = None
        self._note = Paragraph(
            text="", name="matrix_note", sizing_mode="stretch_width", styles={"margin": "4px 6px"}
        )
        self._prefix_colours = LinearColorMapper(palette=_ramp(PREFIX_RAMP), low=0, high=1)
        self._patch_colours = LinearColorMapper(palette=_ramp(PATCH_RAMP), low=0, high=1)
        self._blocks = {
            key: ColumnDataSource({"image": [], "x": [], "y": [], "dw": [], "dh": []})
            for key in ("patches", "row", "column", "corner")
        }
        self._plot = self._figure()
        self.layout = column(
            self._note, self._plot, sizing_mode="stretch_both", name="attention_matrix"
        )
        session.history.subscribe(["image", "layer", "head"], self.react)
        self.react(session.state, session.state)

    def _figure(self):
        store = self._session.data.store
        size = store.num_prefix_tokens * PREFIX_WIDTH + store.grid[0] * store.grid[1]
        plot = make_figure(
            "matrix_plot",
            x_range=Range1d(0, size, bounds=(0, size)),
            y_range=Range1d(size, 0, bounds=(0, size)),
            match_aspect=False,
        )
        plot.grid.visible = False
        plot.axis.major_tick_line_color = None
        plot.axis.major_label_text_font_size = "0px"
        plot.axis.major_label_standoff = 0
        plot.xaxis.axis_label = "target token (key): prefix, then patches row by row"
        plot.yaxis.axis_label = "source token (query)"
        self._pictures = []
        for key, source in self._blocks.items():
            mapper = self._patch_colours if key == "patches" else self._prefix_colours
            self._pictures.append(
                plot.image("image", "x", "y", "dw", "dh", source=source, color_mapper=mapper)
            )
        names = {
            "prefix": store.num_prefix_tokens, "width": PREFIX_WIDTH, "columns": store.grid[1],
            "has_class": bool(store.attrs["has_class_token"]),
        }  # fmt: skip
        hover = HoverTool(
            renderers=self._pictures,
            tooltips=[("source", "$y{custom}"), ("target", "$x{custom}"), ("A", "@image{0.00000}")],
            formatters={
                f"${axis}": CustomJSHover(args=names, code=_NAME_TOKEN.replace("AXIS", axis))
                for axis in "xy"
            },
        )
        plot.add_tools(hover)
        return plot

    def react(self, _old: ViewState, new: ViewState) -> None:
        """Read the matrix from the store, or ask the model for it."""
        if self._request is not None:
            self._request.cancel()
            self._request = None
        if new.image is None:
            self._show(None, "Select an image to see one of its attention matrices.")
            return
        try:
            stored = self._session.data.store.attention(new.image, new.layer, new.head)
        except StoreError as error:
            self._show(None, str(error))
            return
        if stored is not None:
            self._show(stored, "from the store")
            return
        self._fade(_WAITING)
        self._note.text = f"{self._headline(new)} · computing with the model …"
        self._request = live_model(self._session.data.store).attention(
            new.image, new.layer, new.head
        )
        when_done(self._request, self._deliver(new), self._document.add_next_tick_callback)

    def _deliver(self, asked: ViewState):
        def deliver(matrix: np.ndarray | None, fault: str) -> None:
            now = self._session.state
            wanted = (now.image, now.layer, now.head)
            if wanted == (asked.image, asked.layer, asked.head):
                self._show(matrix, fault or "live, computed by the model")

        return deliver

    def _headline(self, state: ViewState) -> str:
        head = self._session.data.head_labels[self._session.head_number]
        return f"{head} in {self._session.data.names[state.image]}"

    def _fade(self, alpha: float) -> None:
        for picture in self._pictures:
            picture.glyph.global_alpha = alpha

    def _show(self, matrix: np.ndarray | None, remark: str) -> None:
        if matrix is None:
            for source in self._blocks.values():
                source.data = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
            self._note.text = remark
            return
        self._fade(1.0)
        prefix = self._session.data.store.num_prefix_tokens
        top = float(np.quantile(matrix, _TOP_QUANTILE)) or float(matrix.max())
        self._prefix_colours.high = self._patch_colours.high = top
        wide, patches = prefix * PREFIX_WIDTH, len(matrix) - prefix
        self._place("patches", matrix[prefix:, prefix:], wide, wide, patches, patches)
        self._place("row", matrix[:prefix, prefix:], wide, 0, patches, wide)
        self._place("column", matrix[prefix:, :prefix], 0, wide, wide, patches)
        self._place("corner", matrix[:prefix, :prefix], 0, 0, wide, wide)
        headline = self._headline(self._session.state)
        self._note.text = f"{headline} · {remark} · darkest colour: A ≥ {top:.3g}"

    def _place(self, key: str, block: np.ndarray, x: int, y: int, dw: int, dh: int) -> None:
        filled = block.size > 0
        values = ([np.ascontiguousarray(block)], [x], [y], [dw], [dh]) if filled else ([],) * 5
        self._blocks[key].data = dict(zip(("image", "x", "y", "dw", "dh"), values, strict=True))


def _ramp(colours: tuple[str, ...], steps: int = 256) -> list[str]:
    """Colours between the given ones, evenly."""
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in colours], float)
    at = np.linspace(0, len(stops) - 1, steps)
    mixed = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.stack(mixed, 1).round().astype(int)]
