"""What ``headbrush info`` prints: words for people, and the same values as JSON for programs."""

import json
import math

import netCDF4
import numpy as np
import pytest
from typer.testing import CliRunner

from headbrush.analysis.images.reading.rules import Reading
from headbrush.analysis.model.vision_model import ModelRecipe
from headbrush.analysis.store.facts.attribute_words import attribute_facts
from headbrush.analysis.store.facts.head_table import head_rows
from headbrush.analysis.store.matrices.windows import WINDOW_ATTRIBUTES
from headbrush.analysis.store.schema import ATTRIBUTES
from headbrush.analysis.store.store import Store, store_size
from headbrush.cli import app
from tests.stores import make_bits_store, make_named_store, make_store

RECIPE = ModelRecipe("vit", None, False, "cpu", (("img_size", (32, 48)),))
READING = Reading((0, 4095), (-1.5, 1), True, 120_000_000)


@pytest.fixture
def path(tmp_path):
    path = make_store(tmp_path / "s.headbrush")
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary.model_source = RECIPE.as_json()
        summary.reading = READING.as_json()
        summary.select = "best-worst:3"
        summary.autoencoder = "linear"
        summary.autoencoder_average_precision = 0.26044687439268044
    return path


def info(path, *words):
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["info", str(path), *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_what_a_store_says_is_said_in_words(path):
    said = {name: str(text) for name, text in attribute_facts(Store(path).attrs)}
    assert said["model loaded from"] == "vit, random weights, img_size 32×48, device cpu"
    assert said["pixel values"] == (
        "16-bit files from 0 to 4\u00a0095, files of fractions from -1.5 to 1, turned by their "
        "EXIF orientation, at most 120 megapixels"
    )
    assert said["classes chosen"] == "the 3 best and the 3 worst predicted"
    assert said["autoencoder"] == "linear, average precision 0.26"
    assert said["labels"] == "from the folders of the images"
    assert said["made"] == "2026-01-01 00:00 UTC by headbrush 0, seed 0, format 1"


def test_nothing_of_the_machine_is_printed(path):
    shown = info(path)
    assert not set('{}[]"') & set(shown.replace(str(path), ""))
    assert not [name for name in ATTRIBUTES if "_" in name and name in shown]
    assert not any(len(word) > 12 and word.startswith("0.") for word in shown.split())


@pytest.mark.parametrize("text", ["{", "[]", "3", "null", "[" * 9999, '{"name": 1}', '{"a": "b"}'])
def test_words_of_a_stranger_are_given_as_they_are(text):
    for name in ("model_source", "reading", "select", "created"):
        ((_, said), *_) = attribute_facts({name: text})
        assert text in str(said) or name == "model_source"
    assert attribute_facts({"model_source": "{}"})[0][1].startswith("a program")


def test_no_attribute_is_left_out_and_none_has_two_lines():
    attrs = {name: f"<{name}>" for name in ATTRIBUTES}
    facts = attribute_facts(attrs)
    assert len({name for name, _ in facts}) == len(facts)
    lines = " ".join(str(text) for _, text in facts)
    elsewhere = {"model", "images", "num_prefix_tokens", "grid_height", "grid_width",
                 "has_class_token", "accuracy_images", "patch_layout_by", "classifier",
                 *WINDOW_ATTRIBUTES}  # fmt: skip
    assert {name for name in attrs if attrs[name] not in lines} == elsewhere


def test_json_holds_the_values_of_the_store(path):
    store = Store(path)
    found = json.loads(info(path, "--json"))
    assert found["bytes"] == store_size(path)
    assert found["sizes"] == dict(store.sizes)
    assert found["pending"] == []
    attributes = found["attributes"]
    assert attributes.keys() == store.attrs.keys()
    assert attributes["autoencoder_average_precision"] == 0.26044687439268044
    assert attributes["model_source"]["arguments"] == {"img_size": [32, 48]}
    assert attributes["reading"]["max_pixels"] == 120_000_000


@pytest.mark.parametrize("has_names", [True, False])
def test_json_of_heads_holds_what_the_table_says(tmp_path, has_names):
    number = np.full((24, 3, 2), -1)
    number[:, 1, 1] = 1
    make = make_named_store if has_names else make_bits_store
    given = (number,) if has_names else ()
    path = make(tmp_path / "named.headbrush", *given)
    store = Store(path)
    heads = json.loads(info(path, "--heads", "--json"))
    titles, *rows = head_rows(store)
    assert [f"L{one['layer']}·H{one['head']}" for one in heads] == [row[0] for row in rows]
    for one, row in zip(heads, rows, strict=True):
        assert f"{one[titles[5]]:.5f}" == row[5]
        assert (one["pattern"] or "no name") == row[1]
        assert ", ".join(one["class_token"]) == row[6]
        bits = one.get("bits", {}).values()
        assert [f"{math.nan if part is None else part:.2f}" for part in bits] == [*row[7:11]]
        assert one.get("looks", "") == "".join(row[12:13])
    importance = store.read("importance")[store.read("metric").tolist().index("jsd")]
    means = np.nanmean(importance, axis=0).ravel()
    np.testing.assert_allclose([one["jsd"] for one in heads], means, rtol=1e-6)


def test_json_of_a_store_that_cannot_be_read_is_refused_in_one_line(tmp_path):
    done = CliRunner().invoke(app, ["info", str(tmp_path), "--json"])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
