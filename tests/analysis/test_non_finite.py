"""Numbers that a model could not compute are counted and said; the store that holds them opens."""

import numpy as np
import pytest
import timm
import torch

import headbrush
from headbrush.analysis.run.stages.non_finite import without_infinities
from headbrush.analysis.store.store import Store, write_summary
from headbrush.server.stores.store_data import StoreData
from tests.stores import attributes, values


@pytest.mark.parametrize(
    ("name", "place", "number", "said"),
    [
        ("importance", (1, 0, 0, 0), np.inf, "1 of 144 values of importance (jsd)"),
        ("importance", (4, 2), np.nan, "6 of 144 values of importance (gradient)"),
        ("importance", (2,), np.nan, ""),  # no class token: the metric does not exist
        ("probability", (3,), np.nan, "3 of 72 values of probability"),
        ("strength", (0, 0, 0, 1), -np.inf, "1 of 576 values of strength"),
        ("strength_entropy", (0,), np.nan, ""),  # no attention between patches
        ("image_embedding", (5, 1), np.inf, "1 of 48 values of image_embedding"),
        ("cls_embedding", (...,), np.nan, ""),
        ("class_accuracy", (0,), np.nan, ""),
        ("label", (0,), -1, ""),
    ],
)
def test_what_is_not_finite_is_counted(name, place, number, said):
    content = values()
    content[name][place] = number
    finite, note = without_infinities(content)
    assert (said in note) if said else not note
    for key, kept in finite.items():
        if content[key].dtype.kind == "f":
            assert not np.isinf(kept).any()
        expected = content[key].copy()
        if key == name and np.isinf(number):
            expected[place] = np.nan
        np.testing.assert_array_equal(kept, expected)


def test_every_mode_of_a_metric_is_counted():
    content = values()
    content["importance_by_mode"] = np.repeat(content["importance"][None], 7, 0)
    content["importance_by_mode"][6, 3, 0, 0, 0] = np.inf
    assert "1 of 1\u00a0008 values of importance_by_mode (patch)" in without_infinities(content)[1]


def test_an_image_on_which_the_model_overflows_does_not_cost_the_store(tmp_path, capsys):
    torch.manual_seed(0)
    model = timm.create_model(
        "vit_tiny_patch16_224", img_size=16, patch_size=8, embed_dim=16, depth=2, num_heads=2,
        num_classes=2,
    )  # fmt: skip
    pictures = torch.randn(6, 3, 16, 16)
    pictures[4] = 3e38
    rows = [(picture, index % 2) for index, picture in enumerate(pictures)]
    store = headbrush.analyze(model, rows, tmp_path / "o.headbrush")
    assert "infinite or undefined numbers: 2 of 12 values of probability" in store.attrs["notes"]
    assert "infinite or undefined" in "".join(capsys.readouterr())
    data = StoreData(store)
    assert data.predicted[4] == -1
    assert data.correctness[4] == 2
    # class 0 has three images, of which this one is not predicted
    expected = (data.predicted[[0, 2]] == 0).sum() / 3
    assert store.read("class_accuracy")[0] == pytest.approx(expected)
    assert np.isfinite(data.importance("jsd")[[0, 1, 2, 3, 5]]).all()
    assert np.isfinite(store.read("image_embedding")[[0, 1, 2, 3, 5]]).all()
    assert np.isnan(store.read("image_embedding")[4]).all()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\0b", "a\\0b"),
        ("name\udce9", "name\\udce9"),
        ("x" * 5000, "x" * 4095 + "…"),
        ("é\n", "é\n"),
    ],
)
def test_texts_that_a_file_cannot_keep_do_not_cost_the_store(tmp_path, text, kept):
    content = values()
    content["class_name"][0] = text
    write_summary(tmp_path, content, attributes(command=text, notes=text * 1000))
    store = Store(tmp_path)
    assert store.read("class_name")[0] == kept
    assert store.attrs["command"][:4095] == kept[:4095]
    assert len(store.attrs["notes"]) <= 1 << 20
