"""What a brush is made of, and its two halves that are compared."""

import numpy as np
import pytest

from headbrush.server.pages.report.make_report import report_of
from headbrush.server.session.brush.clauses import Box, Clause, Ids
from headbrush.server.session.brush.composition import composition
from headbrush.server.session.brush.description import clause_words
from headbrush.server.session.brush.named_brushes import NamedError
from headbrush.server.session.brush.splits import split
from headbrush.server.views.header.brush_bar import BrushBar

IMAGES = Clause("images", Ids((0, 1, 2, 3, 6, 9)))
HEADS = Clause("heads", Ids((1, 4)))
BOX = Clause("patterns", Box(-1.0, 1.0, -0.5, 2.0), layout="patch")


def counted(data, brush, kind):
    """Name, number brushed and of all, by a loop over patterns or images."""
    shape = (data.num_images, data.num_heads)
    patterns = brush.patterns.reshape(shape)
    is_whole = patterns[brush.images].all()
    found = {}
    for image in range(data.num_images):
        for head in range(data.num_heads):
            name = {
                "class": data.class_names[data.labels[image]],
                "correct": ("correct", "wrong", "no label")[data.correctness[image]],
                "head": data.head_labels[head],
            }[kind]
            brushed, total = found.get(name, (0, 0))
            weight = 1 / data.num_heads if is_whole else 1
            inside = patterns[image, head] and brush.images[image] and brush.heads[head]
            found[name] = (brushed + weight * inside, total + weight)
    return {name: pair for name, pair in found.items() if pair[0]}


@pytest.mark.parametrize("clauses", [(), (IMAGES,), (HEADS,), (BOX,), (IMAGES, HEADS, BOX)])
def test_parts_are_those_of_a_loop_over_all_patterns(session, data, clauses):
    brush = session.resolved(clauses)
    groups = {group.kind: group for group in composition(data, brush)}
    assert ("head" in groups) == any(one in clauses for one in (HEADS, BOX))
    for kind, group in groups.items():
        expected, all_of = counted(data, brush, kind), counted(data, session.resolved(()), kind)
        whole = data.num_heads if group.unit == "patterns" else 1
        totals = {
            name: total * (1 if kind == "head" else whole) for name, (_, total) in all_of.items()
        }
        if kind == "head":
            totals = dict.fromkeys(totals, data.num_images)
        share = sum(count for count, _ in expected.values()) / sum(totals.values())
        for one in group.parts:
            assert one.brushed == pytest.approx(expected[one.name][0])
            assert one.total == pytest.approx(totals[one.name])
            assert one.expected == pytest.approx(share * one.total)
        numbers = [one.brushed for one in group.parts]
        assert numbers == sorted(numbers, reverse=True)
        assert group.more == len(expected) - len(numbers)


def ask(bar, *words):
    channels = {one.name: one for one in bar.channels}
    channels["brush_asked"].tags = [*words, 0]
    return channels["composition"].tags, channels["brush_bar"].tags[0]


def test_nothing_is_counted_while_the_menu_is_closed(session):
    bar = BrushBar(session, report_of)
    session.history.change(clauses=(IMAGES,))
    assert ask(bar, "composition", False)[0] == []
    groups, _ = ask(bar, "composition", True)
    assert [group["kind"] for group in groups] == ["class", "correct"]
    assert sum(part["brushed"] for part in groups[0]["parts"]) == 6
    assert ask(bar, "part", "class", 0)[0][0]["parts"][0]["brushed"] == 4
    assert np.flatnonzero(session.brush().images).tolist() == [0, 3, 6, 9]
    ask(bar, "part", "head", 4)
    assert np.flatnonzero(session.brush().heads).tolist() == [4]
    before = session.state
    for words in (("part", "head", 99), ("part", "evil", 0), ("part",), ("split", "evil")):
        ask(bar, *words)
    assert session.state == before


def test_wrong_and_right_images_of_a_class_are_compared_under_their_names(session, data):
    bar = BrushBar(session, report_of)
    ask(bar, "part", "class", 1)
    _, told = ask(bar, "split", "wrong")
    assert [one["name"] for one in told["named"]] == ["class-1, wrong", "class-1, right"]
    assert all(one["compared"] for one in told["named"])
    wrong, right = (one.images for one in session.reader.compared())
    np.testing.assert_array_equal(wrong, (data.labels == 1) & ~data.correct)
    np.testing.assert_array_equal(right, (data.labels == 1) & data.correct)
    assert len(ask(bar, "split", "wrong")[1]["named"]) == 2
    session.history.change(clauses=(*session.state.clauses, HEADS))
    named = ask(bar, "split", "wrong")[1]["named"]
    assert [one["name"] for one in named[2:]] == ["class-1, wrong 2", "class-1, right 2"]
    assert [one["compared"] for one in named] == [False, False, True, True]


def test_the_rest_is_everything_else(session, data):
    first, second = split("rest", (IMAGES, HEADS), session.resolved((IMAGES, HEADS)), data)
    masks = [session.resolved(clauses) for _, clauses in (first, second)]
    np.testing.assert_array_equal(masks[0].images, ~masks[1].images)
    assert (masks[0].heads == masks[1].heads).all()
    assert (first[0], second[0]) == ("brushed", "not brushed")
    for clauses in ((), (Clause("images", Ids(())),)):
        with pytest.raises(NamedError):
            split("rest", clauses, session.resolved(clauses), data)
    right = (Clause("images", Ids(tuple(np.flatnonzero(data.correct).tolist()))),)
    with pytest.raises(NamedError, match="predicted wrongly"):
        split("wrong", right, session.resolved(right), data)


def test_the_chip_of_a_class_says_the_class(data):
    kind = Clause("images", Ids(tuple(np.flatnonzero(data.labels == 2).tolist())), "add")
    assert clause_words(kind, data) == "+ class-2 · 8 images"
    assert clause_words(IMAGES, data) == "6 images"
