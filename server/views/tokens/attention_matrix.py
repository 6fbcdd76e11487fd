"""D4: the attention matrix of one head of one image (the paper's Fig. 1 D4)."""

from bokeh.layouts import column
from bokeh.models import (
    BoxAnnotation,
    ColumnDataSource,
    CustomJSTicker,
    CustomJSTickFormatter,
    Paragraph,
    Range1d,
)
from bokeh.plotting import figure

from headbrush.server.session.palette import PATCH, PREFIX, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.tools.assets import view_script
from headbrush.server.views.common.figure_tools import make_figure
from headbrush.server.views.common.zoom import Zoom
from headbrush.server.views.tokens.selected_matrix import ShownMatrix

_TOKEN = "headbrush.matrix.tokenAt(tokens, cb_obj.y)"


class AttentionMatrix:
    """Rows are source tokens, columns target tokens; blue concerns prefix tokens, orange patches.

    Drawn by the browser, no finer than the screen: a pixel shows the strongest of its values.
    """

    name = "attention_matrix"
    title = "Who attends where?"
    help = (
        "The attention of the selected head in the selected image, or its mean over those of the "
        "brushed images (all if none) whose attention is stored: each row is a source token and "
        "sums to 1, each column a target token; blue is from or to prefix tokens such as CLS, "
        "drawn wider to be visible, orange between patches, faint below the threshold. The axes "
        "are marked by rows of patches, or by row and column where few patches are shown. Point "
        "at a row to follow its token in the other views, click it to pin the token, click again "
        "to unpin it."
    )

    def __init__(self, session: Session, matrix: ShownMatrix) -> None:
        self._session = session
        self._matrix = matrix
        self._note = Paragraph(
            text="", name="matrix_note", sizing_mode="stretch_width", styles={"margin": "2px 6px"}
        )
        self._plot = self._figure()
        self.layout = column(self._note, self._plot, sizing_mode="stretch_both", name=self.name)
        matrix.follow(self.react)

    def _figure(self) -> figure:
        tokens = self._matrix.tokens
        size = tokens.prefix * tokens.wide + tokens.rows * tokens.columns
        plot = make_figure(
            "matrix_plot",
            x_range=Range1d(start=0, end=size, bounds=(0, size)),
            y_range=Range1d(start=size, end=0, bounds=(0, size)),
            match_aspect=False,
        )
        plot.grid.visible = False
        self._tick(plot)
        plot.xaxis.axis_label = "target (key) by row"
        plot.yaxis.axis_label = "source (query) by row"
        empty = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
        picture = ColumnDataSource(data=empty, name="matrix_picture")
        plot.image_rgba("image", "x", "y", "dw", "dh", source=picture)
        draw = self._matrix.draw(
            view_script("attention_matrix"), ("threshold", "top"), plot=plot, picture=picture,
            prefix=PREFIX, patch=PATCH,
        )  # fmt: skip
        plot.js_on_event("rangesupdate", draw)
        for side in ("inner_width", "inner_height"):
            plot.js_on_change(side, draw)
        plot.js_on_event("mousemove", self._matrix.script(view_script("matrix_cell")))
        plot.js_on_event("mouseleave", self._matrix.script("headbrush.notes.tell(null)"))
        self._mark(plot)
        Zoom(self._session, plot, "matrix_range")
        self._matrix.choose_on(plot, _TOKEN)
        return plot

    def _tick(self, plot: figure) -> None:
        """Mark the prefix tokens and the rows of patches, or single patches of a small part."""
        code, tokens = view_script("token_ticks"), {"tokens": self._matrix.tokens}
        for axis in plot.axis:
            axis.ticker = CustomJSTicker(
                args=tokens, major_code=f"{code}\nreturn tokenTicks(tokens, cb_data.range)"
            )
            axis.formatter = CustomJSTickFormatter(
                args=tokens, code=f"{code}\nreturn tokenTick(tokens, tick, ticks)"
            )

    def _mark(self, plot: figure) -> None:
        """Frame row and column of the chosen token."""
        look = {
            "line_color": SELECTED, "line_alpha": 0.8, "fill_color": SELECTED, "fill_alpha": 0.1,
            "visible": False,
        }  # fmt: skip
        row, across = BoxAnnotation(**look), BoxAnnotation(**look)
        plot.add_layout(row)
        plot.add_layout(across)
        code = view_script("matrix_frames")
        self._matrix.draw(code, ("token", "hovered"), row=row, column=across)

    def react(self) -> None:
        """Say what is shown, and where it comes from."""
        matrix, state = self._matrix, self._session.state
        self._matrix.fade(self._plot)
        if matrix.codes is None and not matrix.waiting:
            self._note.text = matrix.remark
            return
        head = str(self._session.head)
        where = "" if state.image is None else f" in {self._session.data.names[state.image]}"
        words = [f"{head}{where}", matrix.remark]
        if not matrix.waiting:
            words.append(
                f"full colour: A\N{NO-BREAK SPACE}≥\N{NO-BREAK SPACE}{matrix.tokens.top:.3g}"
            )
        self._note.text = " · ".join(words)
