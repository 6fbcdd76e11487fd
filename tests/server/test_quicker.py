"""Bokeh without its repeated work is Bokeh: the same defaults, the same pages."""

import re
import warnings

import bokeh.models
import pytest
from bokeh.core.has_props import HasProps
from bokeh.core.json_encoder import serialize_json
from bokeh.core.property.descriptors import PropertyDescriptor, UnsetValueError
from bokeh.document import Document
from bokeh.model import Model
from bokeh.models import Paragraph, Plot, Scatter
from bokeh.themes import Theme

from headbrush.server.pages.explore import explore
from headbrush.server.pages.report.make_report import make_report
from headbrush.server.session.url_state import default_state
from headbrush.server.tools.bokeh import defaults


@pytest.fixture
def quick():
    defaults.use()
    yield
    defaults.leave()


def counted(text):
    """The same with the ids of models counted from 1 in the order in which they appear."""
    ids = {}
    return re.sub(r"\bp\d{4,}\b", lambda found: ids.setdefault(found[0], f"id{len(ids)}"), text)


def private_and_public():
    """All that the classes of Bokeh hold that are made quicker."""
    return dict(vars(PropertyDescriptor)), dict(vars(HasProps))


def page(data):
    """What the browser gets."""
    document = Document()
    explore(document, data, default_state(data), "", {}, "")
    return counted(serialize_json(document.to_json(deferred=False)))


def values(kind):
    """Every property of a new model of a class, models by their class."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        model = kind()
    found = {}
    for name in sorted(kind.properties()):
        if type(kind.lookup(name)).__name__ == "DeprecatedAliasPropertyDescriptor":
            continue
        try:
            found[name] = getattr(model, name)
        except UnsetValueError:
            found[name] = "unset"
    return {name: re.sub(r"id='p\d+'|0x\w+", "", repr(value)) for name, value in found.items()}


def test_a_page_is_written_as_before(data):
    slow = page(data)
    defaults.use()
    try:
        assert page(data) == slow
        assert page(data) == slow  # what was kept is handed out
    finally:
        defaults.leave()
    assert len(slow) > 100_000


def report(data):
    """A report's file, without the ids that are new each time."""
    html = make_report(data, ["0"], ["0.0"]).html
    return counted(re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "", html))


def test_a_report_is_written_as_before_and_bokeh_is_left_as_it_was(data):
    slow, before = report(data), private_and_public()
    with defaults.used():
        assert private_and_public() != before
        assert report(data) == slow
    assert private_and_public() == before
    assert len(slow) > 1_000_000


def test_every_default_of_every_class_is_as_before():
    classes = [kind for kind in vars(bokeh.models).values()
               if isinstance(kind, type) and issubclass(kind, Model)]  # fmt: skip
    slow = [values(kind) for kind in classes]
    defaults.use()
    try:
        for _ in range(2):
            assert [values(kind) for kind in classes] == slow
    finally:
        defaults.leave()
    assert len(classes) > 300


@pytest.mark.usefixtures("quick")
def test_a_default_that_was_changed_in_place_is_that_of_no_other_model():
    first, second = Paragraph(), Paragraph()
    first.tags.append("mine")
    first.styles["color"] = "red"
    assert (second.tags, second.styles, Paragraph().tags) == ([], {}, [])
    one, other = Scatter(), Scatter()
    one.x.field = "mine"
    assert (other.x.field, Scatter().x.field) == ("x", "x")
    assert Plot().toolbar is not Plot().toolbar


@pytest.mark.usefixtures("quick")
def test_a_theme_comes_before_what_is_kept_and_goes_again():
    document, text = Document(), Paragraph()
    document.add_root(text)
    assert text.width is None
    document.theme = Theme(json={"attrs": {"Paragraph": {"width": 7}}})
    assert text.width == 7
    assert '"width":7' in serialize_json(document.to_json(deferred=False)).replace(" ", "")
    document.theme = Theme(json={})
    assert text.width is None


def test_bokeh_is_as_it_was_afterwards():
    before = private_and_public()
    defaults.use()
    assert all(now != then for now, then in zip(private_and_public(), before, strict=True))
    defaults.leave()
    assert private_and_public() == before
