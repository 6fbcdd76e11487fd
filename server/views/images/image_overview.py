"""A: all images by their importance vector (the paper's Sec. 5.1)."""

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    CustomJS,
    HoverTool,
    Paragraph,
    Select,
)
from bokeh.plotting import figure
from bokeh.transform import linear_cmap

from headbrush.server.session.brush.clause_text import number_below
from headbrush.server.session.brush.dot_share import share_label, share_words, sized
from headbrush.server.session.palette import NEUTRAL, SELECTED, value_colours
from headbrush.server.session.session import Session
from headbrush.server.session.state import IMAGE_ORDERS, IMAGES_FORMS, ViewState
from headbrush.server.stores.store_data import CORRECTNESS
from headbrush.server.tools.assets import view_script
from headbrush.server.tools.bokeh.bokeh_types import columns_of
from headbrush.server.views.common.choice import controls_line, labelled, small_choice
from headbrush.server.views.common.figure_tools import (
    make_figure,
    on_narrowing,
    on_nearest,
    padded_range,
)
from headbrush.server.views.common.legend import choices, gradient, make_legend
from headbrush.server.views.common.zoom import Zoom
from headbrush.server.views.images.find_box import FindBox
from headbrush.server.views.images.gallery import Gallery
from headbrush.server.views.images.gallery_order import FIRST_UP, order_titles

_TOOLTIP = """
<div class="hb-tip" style="display: flex; gap: 8px; font-size: 12px">
<img src="@thumbnail" alt="" width="84" height="84" style="image-rendering: pixelated">
<div><b>@name</b><br>true: @label<br>predicted: @predicted<br>P[true]: @probability{0.000}%s</div>
</div>
"""
_STANDS_OUT = "<br>stands out: @stands_out{+0.0} sd"
_COLOURS = [("class", "colour: true class"), ("probability", "colour: P[true class]"),
            ("correct", "colour: correct or not")]  # fmt: skip
CORRECTNESS_COLOURS = ("#56b4e9", "#d55e00", NEUTRAL)

_MOST_OUTLINED = 3000
"""Outlines of more images would hide each other, and take half of the time to draw."""
_FULL_SIZE_UP_TO = 1000


class ImageOverview:
    """Images as points; tap selects one, box and lasso brush them, the box finds one by name.

    Attributes
    ----------
    plot, dots
        The plot, and the renderer of its points.
    points
        ``(m, 2)`` where the images are.
    """

    name = "image_overview"
    title = "Which images rely on the same heads?"
    help = (
        "Each point is an image; images lie close together when pruning the same heads changes "
        "their true-class probability in the same way.\n\n"
        "Click a point to select the image, again to return to all images, drag a box or a lasso "
        "to brush images, click a class in the legend or type its name: all other views update "
        "to match. The box also understands wrong, correct, predicted shirt, true coat predicted "
        "shirt, and name with a part of a file's name. Where patterns are brushed, a larger "
        "point has a larger share of its patterns brushed.\n\n"
        "The gallery shows the brushed images as pictures with true and predicted class, ✗ where "
        "it is wrong; loss is −log P[true class]. Stands out: in standard deviations, how unlike "
        "that of the other images the attention of the steadiest heads is; a hint, as a low "
        "probability often says more."
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self.points = self._places()
        self._selected = ColumnDataSource({"x": [], "y": []}, name="image_ring")
        self.plot = self._figure()
        find = FindBox(session)
        self._colour = Select(
            options=[(name, session.data.worded(words)) for name, words in _COLOURS],
            width=138, name="image_colour", css_classes=["hb-small"],
            html_attributes=labelled("Colour of the images"),
        )  # fmt: skip
        session.history.bind(self._colour, "image_colour")
        self._order = Select(
            options=[], width=138, name="image_order", visible=False, css_classes=["hb-small"],
            html_attributes=labelled("Order of the gallery"),
        )  # fmt: skip
        form = small_choice(session.history, "images_form", IMAGES_FORMS, height=28)
        self._legend = make_legend(
            "image_legend", lines=3 if session.data.store.has("class_accuracy") else 2, grows=True
        )
        controls = controls_line(find.field, self._colour, self._order, form)
        self._note = Paragraph(
            text="", name="images_note", visible=False, sizing_mode="stretch_width"
        )
        self._gallery = Gallery(session)
        shown = column(
            self._legend, self._note, self.plot, self._gallery.layout, name="images_shown",
            sizing_mode="stretch_both",
        )  # fmt: skip
        self.layout = column(controls, find.note, shown, sizing_mode="stretch_both", name=self.name)
        session.history.follow(["image_colour"], self.react_to_colour)
        session.history.follow(["image"], self.react_to_image)
        session.history.follow(["images_form"], self.react_to_form)
        session.history.follow(["clauses"], self.react_to_brush)
        session.waiting.filled.connect(self._on_filled)
        session.waiting.changed.follow(self._show_note)

    def _places(self) -> np.ndarray:
        return self._session.data.store.read("image_embedding")

    def _on_filled(self) -> None:
        """Show the images where they are now."""
        self.points = self._places()
        pairs = zip((self.plot.x_range, self.plot.y_range), self.points.T, strict=True)
        for shown, values in pairs:
            wanted = padded_range(values)
            shown.update(
                start=wanted.start, end=wanted.end,
                reset_start=wanted.reset_start, reset_end=wanted.reset_end,
            )  # fmt: skip
        self.react_to_image(self._session.state)
        if self._order.options:
            self._order.options = list(order_titles(self._session.data))

    def _show_note(self) -> None:
        """Say that the layout is not final."""
        waiting = self._session.waiting
        text = waiting.words("image_embedding") and (
            waiting.words("importance") or waiting.words("image_embedding")
        )
        if text and np.isfinite(self.points).any():
            text = f"Provisional, by the gradient. {text}"
        self._note.update(text=text, visible=bool(text))

    def _figure(self) -> figure:
        x, y = self.points.T
        plot = make_figure(
            "images_plot",
            brush=("lasso", "box"),
            x_range=padded_range(x),
            y_range=padded_range(y),
        )
        on_narrowing(plot, self._session.narrow)
        plot.axis.visible = False
        plot.grid.visible = False
        self.dots = plot.scatter(
            "x", "y", source=self._session.images, line_width=0.5,
            line_color=None if len(x) > _MOST_OUTLINED else "white",
            **sized(*dot_sizes(len(x))),
            nonselection_fill_alpha=0.12, nonselection_line_alpha=0.1,
        )  # fmt: skip
        plot.scatter(
            "x", "y", source=self._selected, size=17, fill_color=None, line_color=SELECTED,
            line_width=3, level="overlay",
        )  # fmt: skip
        self._share = share_label(plot)
        hint = "" if self._session.data.stands_out is None else _STANDS_OUT
        hover = HoverTool(renderers=[self.dots], tooltips=_TOOLTIP % hint)
        hover.callback = CustomJS(
            args={"hover": hover, "source": self._session.images, "column": "thumbnail"},
            code=view_script("ask_picture"),
        )
        hover.on_change("tags", self._on_hover)
        plot.add_tools(hover)
        on_nearest(plot, lambda: self.points, self._session.toggle_image)
        Zoom(self._session, plot, "images_range")
        return plot

    def react_to_form(self, new: ViewState) -> None:
        """Show the layout, or the gallery."""
        is_gallery = new.images_form == "gallery"
        self._legend.visible = self.plot.visible = self._colour.visible = not is_gallery
        if is_gallery and not self._order.options:
            self._offer_orders()
        self._order.visible = is_gallery
        self._gallery.show(is_gallery)
        self._describe(new)

    def _offer_orders(self) -> None:
        """Let the gallery be sorted; made when it is first shown."""
        history, data = self._session.history, self._session.data

        def choose(_attribute: str, _old: str, new: str) -> None:
            if new != history.state.image_order and new in IMAGE_ORDERS:
                direction = "up" if new in FIRST_UP else "down"
                history.change(image_order=new, image_direction=direction)

        self._order.options = list(order_titles(data))
        history.follow(["image_order"], lambda new: self._order.update(value=new.image_order))
        self._order.on_change("value", choose)

    def react_to_image(self, new: ViewState) -> None:
        """Ring the selected image."""
        chosen = [] if new.image is None else [new.image]
        x, y = self.points.T
        self._selected.data = {"x": x[chosen], "y": y[chosen]}
        self._describe(new)

    def react_to_brush(self, _state: ViewState) -> None:
        """Explain the size of the points."""
        self._share.text = share_words(self._session.brushes.image_share)

    def _describe(self, state: ViewState) -> None:
        data, image = self._session.data, state.image
        colour = data.worded(dict(_COLOURS)[state.image_colour][8:])
        words = f"{data.num_images} images, coloured by {colour}; "
        if state.images_form == "gallery":
            words = f"Gallery of {data.num_images} images; "
        if image is None:
            words += "all are shown, none is selected."
        else:
            truth, guess = data.true_class(image), data.class_name(int(data.predicted[image]))
            words += f"selected: {data.names[image]}, true {truth}, predicted {guess}."
            if data.stands_out is not None:
                words += f" It stands out by {data.stands_out[image]:+.1f} standard deviations."
        self._session.summaries.describe(self.name, words)

    def react_to_colour(self, new: ViewState) -> None:
        """Colour the points by class, probability or correctness."""
        data, images = self._session.data, columns_of(self._session.images)
        colour = "shade"
        if new.image_colour != "class" and not data.has_classifier:
            images["shade"] = [NEUTRAL] * data.num_images
            self._legend.text = "This model has no classifier, so it predicts no class."
        elif new.image_colour == "probability":
            colour = linear_cmap("probability", value_colours(), 0, 1)
            self._legend.text = gradient(data.worded("P[true class]"), "0", "1", value_colours())
        elif new.image_colour == "class":
            palette = self._session.class_colours
            images["shade"] = [palette[kind] for kind in data.labels]
            kinds = np.unique(data.labels[data.labels >= 0]).tolist()
            self._legend.text = choices(
                "class", [data.class_labels[k] for k in kinds], [palette[k] for k in kinds], kinds
            )
        else:
            images["shade"] = np.array(CORRECTNESS_COLOURS)[data.correctness]
            kinds = 2 if data.is_labelled.all() else 3
            words = CORRECTNESS[:kinds]
            self._legend.text = choices("correct", words, CORRECTNESS_COLOURS[:kinds], range(kinds))
        for glyph in (self.dots.glyph, self.dots.nonselection_glyph, self.dots.selection_glyph):
            if glyph is not None and glyph != "auto":
                glyph.fill_color = colour
        self._describe(new)

    def _on_hover(self, _attribute: str, _old: list, new: list) -> None:
        if new and number_below(str(new[0]), self._session.data.num_images) is not None:
            self._session.send_thumbnail(int(new[0]))


def dot_sizes(images: int) -> tuple[float, float, float]:
    """Diameters of dots: usually, and with no or most patterns brushed; less of very many."""
    scale = max(0.4, min(1.0, (_FULL_SIZE_UP_TO / images) ** 0.5))
    return 8 * scale, 3 * scale, 11 * scale
