"""What decides where heads look, in words and in tables."""

import numpy as np
import pytest
from typer.testing import CliRunner

from headbrush.analysis.store.errors import StoreError
from headbrush.analysis.store.facts.head_bits import HeadBits, head_bits
from headbrush.analysis.store.facts.store_info import facts_of
from headbrush.analysis.store.schema import PARTS
from headbrush.analysis.store.store import Store, write_summary
from headbrush.cli import app
from tests.stores import BITS, attributes, bits_values, make_bits_store, make_store, values


@pytest.mark.parametrize(
    ("bits", "kind"),
    [
        ((3, 0.1, 0.2, 0.7), "positional"),
        ((3, float("nan"), 0.2, 0.8), "positional"),
        ((1, 0.5, 1.5, 1), "follows the content"),
        ((-0.5, 0.5, 1.5, 2.5), "follows the content"),
        ((2, 0.5, 0.5, 1), "position and content"),
        ((0.1, 0.1, 0.1, 3.7), "nearly even"),
        ((1, 0, -1, 4), "nearly even"),
        ((1, 0, -1, -5), "nearly even"),
        ((0, 0, 0, 0), "nearly even"),
        ((float("nan"), float("nan"), float("nan"), 1), "unknown"),
    ],
)
def test_heads_are_called_by_what_decides(bits, kind):
    head = HeadBits(*bits, moved=0.12)
    assert head.kind == kind
    if kind != "unknown":
        assert head.words.startswith(f"{kind}: {bits[0]:.1f} of {head.total:.1f} bits fixed")
        assert head.words.endswith("moves 12\u00a0% of its attention")


def test_bits_of_heads_are_those_of_the_store(tmp_path):
    heads = head_bits(Store(make_bits_store(tmp_path / "s.headbrush")))
    assert len(heads) == 6
    for number, head in enumerate(heads):
        place = divmod(number, 2)
        found = (head.fixed, head.by_class, head.within, head.spread)
        assert found == pytest.approx([one[place] for one in BITS])
        assert head.content == pytest.approx(BITS[1][place] + BITS[2][place])
        assert head.moved == pytest.approx(number / 10)


def test_an_older_store_has_no_bits(tmp_path):
    assert head_bits(Store(make_store(tmp_path / "s.headbrush"))) == []


def test_info_lists_the_bits_of_every_head(tmp_path):
    path = make_bits_store(tmp_path / "s.headbrush")
    done = CliRunner(env={"COLUMNS": "160"}).invoke(app, ["info", str(path), "--heads"])
    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[-6:] == ["fixed", "class", "within", "spread", "moves", "looks"]
    cells = [cell for cell in lines[2].split(" ") if cell]
    assert cells[-8:-3] == ["1.00", "0.50", "1.50", "1.00", "10\u00a0%"]
    assert cells[-3:] == ["follows", "the", "content"]


def test_info_names_the_images_that_stand_out(tmp_path):
    store = Store(make_bits_store(tmp_path / "s.headbrush"))
    said = str(dict(facts_of(store, 1))["standing out"])
    far = store.read("anomaly")
    order = np.argsort(-far)[:5]
    assert said.startswith(", ".join(f"{store.read('name')[i]} {far[i]:+.1f}" for i in order))
    assert "standing out" not in dict(facts_of(Store(make_store(tmp_path / "old.headbrush")), 1))


def test_a_store_with_other_parts_is_refused(tmp_path):
    path = make_store(tmp_path / "s.headbrush")
    other = bits_values() | {"part": np.array([*PARTS[:3], "evil"], object)}
    with pytest.raises(StoreError, match=r"the parts are .*evil, expected fixed"):
        write_summary(path, values() | other, attributes())
    five = {"part": np.array([*PARTS, "more"], object), "bits": np.zeros((5, 3, 2))}
    with pytest.raises(StoreError, match="parts"):
        write_summary(path, values() | bits_values() | five, attributes())
