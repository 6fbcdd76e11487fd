"""D3: source and target tokens on two axes, joined by attention (the paper's Fig. 1 D3)."""

from bokeh.layouts import column
from bokeh.models import ColumnDataSource, Label, Range1d
from bokeh.plotting import figure

from headbrush.server.session.palette import NEUTRAL, PATCH, PREFIX, SELECTED
from headbrush.server.session.session import Session
from headbrush.server.tools.assets import view_script
from headbrush.server.views.common.figure_tools import make_figure, one_line
from headbrush.server.views.tokens.selected_matrix import ShownMatrix

MOST_LINES = 4000
"""At most so many lines are drawn, the strongest."""
_REACH = 0.3
"""How near to an axis the pointer chooses its tokens; the axes are 1 apart."""
_ROOM = (-0.28, 1.28)
_TOKEN = f"headbrush.matrix.tokenNear(tokens, cb_obj.x, cb_obj.y, {_REACH})"


class TwoAxes:
    """One line per attention value above the threshold, from its source to its target token."""

    name = "two_axes"
    title = "Who looks at whom?"
    help = (
        "Every token twice, as source above and as target below, prefix tokens first and then the "
        "patches row by row; a line is attention above the threshold, the more opaque the "
        "stronger, blue with a prefix token, orange between patches. Point near an axis to see "
        "only one token's lines, click to pin it."
    )

    def __init__(self, _session: Session, matrix: ShownMatrix) -> None:
        self._matrix = matrix
        self._note = one_line("axes_note")
        self._plot = self._figure()
        self.layout = column(self._note, self._plot, sizing_mode="stretch_both", name=self.name)
        matrix.follow(self.react)

    def _figure(self) -> figure:
        tokens = self._matrix.tokens
        wide = tokens.prefix * tokens.wide
        size = wide + tokens.rows * tokens.columns
        plot = make_figure(
            "axes_plot",
            x_range=Range1d(start=0, end=size, bounds=(0, size)),
            y_range=Range1d(start=_ROOM[0], end=_ROOM[1], bounds=_ROOM),
        )
        plot.grid.visible = False
        plot.axis.visible = False
        plot.min_height = 60
        lines = {
            kind: ColumnDataSource({"x0": [], "x1": [], "alpha": []}, name=f"{kind}_lines")
            for kind in ("patch", "prefix")
        }
        for kind, colour in (("patch", PATCH), ("prefix", PREFIX)):
            plot.segment(
                x0="x0", x1="x1", y0=1, y1=0, source=lines[kind], line_color=colour,
                line_alpha="alpha",
            )  # fmt: skip
        self._draw_tokens(plot, wide, size)
        mark = ColumnDataSource({"x": [], "y": []})
        plot.scatter("x", "y", source=mark, size=11, color=SELECTED, level="overlay")
        self._matrix.draw(
            view_script("two_axes"), ("threshold", "token", "hovered"), **lines, mark=mark,
            note=self._note, most=MOST_LINES,
        )  # fmt: skip
        self._matrix.choose_on(plot, _TOKEN)
        return plot

    def _draw_tokens(self, plot: figure, wide: int, size: int) -> None:
        """The two axes: a block for every prefix token, one for all patches."""
        tokens = self._matrix.tokens
        look = {
            "x": 0, "text_font_size": "11px", "text_color": NEUTRAL,
            "css_variables": {"--bk-text-color": "var(--quiet)"},
        }  # fmt: skip
        sources, targets = "source tokens: who looks", "target tokens: looked at"
        plot.add_layout(Label(y=1.04, text=sources, text_baseline="bottom", **look))
        plot.add_layout(Label(y=-0.04, text=targets, text_baseline="top", **look))
        for y in (1.0, 0.0):
            low, high = y - 0.02, y + 0.02
            plot.quad(left=[wide], right=[size], bottom=low, top=high, color=PATCH)
            left = [token * tokens.wide for token in range(tokens.prefix)]
            right = [start + 0.8 * tokens.wide for start in left]
            plot.quad(left=left, right=right, bottom=low, top=high, color=PREFIX)

    def react(self) -> None:
        """Fade while the next matrix is computed."""
        self._matrix.fade(self._plot)
