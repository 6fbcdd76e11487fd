"""The caption of a figure: model, head, image, and what each panel shows."""

from headbrush.analysis.store.facts.percent import percent
from headbrush.server.pages.figures.parts.shown import Shown
from headbrush.server.pages.report.parts.redact_folders import last_name, without_folders


def subject(shown: Shown, with_head: bool) -> str:
    """Model, perhaps head with its pattern, and image with its classes, in one sentence."""
    data, head = shown.data, shown.session.head
    words = last_name(str(data.store.attrs["model"]))
    if with_head:
        pattern = f", {data.head_patterns[head.number]}" if data.head_patterns else ""
        words = f"{words}, head {head}{pattern}"
    words = f"{words}; {_image(shown)}."
    return without_folders(words, data.store)


def _image(shown: Shown) -> str:
    data, image = shown.data, shown.state.image
    if image is None:
        return shown.of_images.removeprefix("n = ")
    kinds = [f"true {data.true_class(image)}"] if data.is_labelled[image] else []
    if data.has_classifier and data.predicted[image] >= 0:
        guess = data.class_name(int(data.predicted[image]))
        kinds.append(f"predicted {guess}, {percent(data.probability[image].max())}")
    return f"image {data.names[image]}" + (f" ({', '.join(kinds)})" if kinds else "")


def lettered(panels: dict[str, str]) -> str:
    """``(a) … (b) …`` for the panels of a composed figure."""
    return " ".join(f"({letter}) {words}" for letter, words in panels.items())
