"""The box over the images: finds one, or a head, by name, and brushes those that words describe."""

import numpy as np
from bokeh.models import AutocompleteInput, CustomJS, Paragraph

from headbrush.analysis.model.pruning.head_text import read_place
from headbrush.server.session.brush.clause_text import LinkError, found_ids, number_below
from headbrush.server.session.brush.clauses import Clause
from headbrush.server.session.brush.image_query import suggestions
from headbrush.server.session.session import Session
from headbrush.server.views.common.choice import labelled

_SHOWN = 40
OFFERED = 30
_LEAST_TYPED = 2
MOST_SENT = 3000
"""Names of images; of more, those that fit what is typed are sent."""
_OFFER = "Bokeh.index.find_one(cb_obj)?.input_el.dispatchEvent(new Event('focusin'))"
"""The list of names opens as when the field gets the focus."""


class FindBox:
    """Answers what is typed; what it cannot, it says in one line.

    Attributes
    ----------
    field, note
        Models to put into a view.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        data = session.data
        self._suggested = suggestions(data)
        is_sent = data.num_images <= MOST_SENT
        self._classes = {data.class_name(k) for k in np.unique(data.labels).tolist() if k >= 0}
        self.field = AutocompleteInput(
            name="find_image",
            css_classes=["hb-small"],
            html_attributes={
                **labelled("Find an image or head, or brush images"),
                "title": data.worded(
                    "An image by name or number; a head as L2·H0; a class, or wrong, brushes images"
                ),
            },
            # the first that fits is taken
            completions=[*self._suggested, *(data.names if is_sent else ())],
            placeholder=data.worded("image, class"),
            case_sensitive=False,
            search_strategy="includes",
            restrict=False,
            min_characters=_LEAST_TYPED,
            max_completions=OFFERED,
            sizing_mode="stretch_width",
            styles={"min-width": "90px"},
        )
        self.note = Paragraph(
            text="", name="find_note", visible=False, sizing_mode="stretch_width",
            styles={"font-size": "11px", "margin": "0 6px"},
        )  # fmt: skip
        self.field.on_change("value", self._on_typed)
        if not is_sent:
            self.field.on_change("value_input", self._offer)
            self.field.js_on_change("completions", CustomJS(code=_OFFER))

    def _offer(self, _attribute: str, _old: str, new: str) -> None:
        """Send the names that hold what is typed."""
        if len(new) >= _LEAST_TYPED:
            found = self._session.data.by_name.holding(new, OFFERED)
            self.field.completions = [*self._suggested, *found]

    def _on_typed(self, _attribute: str, _old: str, new: str) -> None:
        if not new:
            return
        is_done, said = self._answer(new)
        self.note.update(text=said, visible=bool(said))
        if is_done:
            self.field.value = ""  # so that the same can be asked for again

    def _answer(self, text: str) -> tuple[bool, str]:
        """Select or brush what ``text`` means; whether that was done, and what there is to say."""
        session, data = self._session, self._session.data
        image = data.by_name.number_of.get(text)
        if image is None:
            image = number_below(text.removeprefix("#"), data.num_images)
        if image is not None and text not in self._classes:
            session.select_image(image)
            return True, ""
        if read_place(text) is not None and text not in self._classes:
            return self._show_head(text)
        try:
            found = found_ids(text, data)
        except LinkError as error:
            return False, str(error)
        if not found.ids:
            return False, f"No image fits {text[:_SHOWN]!r}."
        session.add_clause(Clause("images", found))
        is_both = f"{data.worded('class')} {text[:_SHOWN]} brushed; #{image} selects the image"
        return True, "" if image is None else is_both

    def _show_head(self, text: str) -> tuple[bool, str]:
        """Select a head by its name; as :meth:`_answer`."""
        data = self._session.data
        head = data.head_named(text)
        if head is None:
            return False, (
                f"This model has no head {text[:_SHOWN]}: layers are 0 to {data.num_layers - 1}, "
                f"heads 0 to {data.heads_per_layer - 1}."
            )
        self._session.select_head(head.number)
        return True, ""
