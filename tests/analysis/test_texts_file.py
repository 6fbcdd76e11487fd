"""Files of texts: what they hold becomes the classifier, and what is wrong is one line."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from headbrush.analysis.model.modules.classifiers.texts_file import TextsError, texts_classifier

EMBEDDING = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 3)))[0].T.astype("f4", "C")
NAMES = ["cat", "chien, petit", "梟"]


def written(path, **changed):
    """A file with three texts; None leaves an array out."""
    arrays = {"embedding": EMBEDDING, "name": np.array(NAMES)} | changed
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def test_an_npz_gives_names_scale_bias_and_sigmoid(tmp_path):
    file = written(tmp_path / "t.npz", scale=np.float32(112.5), bias=np.array([-16.5]))
    found = texts_classifier(file)
    np.testing.assert_allclose(found.weight, 112.5 * EMBEDDING, rtol=1e-5)
    np.testing.assert_allclose(found.bias, -16.5)
    assert found.names == tuple(NAMES)
    assert found.activation == "sigmoid"
    assert found.words == "3 texts of t.npz, scale 112.5, bias -16.5"
    assert texts_classifier(file, "softmax").activation == "softmax"


def test_a_file_of_safetensors_gives_the_same_with_names_in_its_metadata(tmp_path):
    numbers = {"scale": np.array(112.5), "bias": np.array([-16.5])}
    expected = texts_classifier(written(tmp_path / "t.npz", **numbers))
    for name in ("t.safetensors", "renamed.bin"):
        file = tmp_path / name
        save_file({"embedding": EMBEDDING, **numbers}, file, {"name": json.dumps(NAMES)})
        found = texts_classifier(file)
        assert found == expected
        assert found.names == expected.names


@pytest.mark.parametrize(
    ("tensors", "metadata", "expected"),
    [
        ({"embedding": EMBEDDING}, None, "lacks name"),
        ({"embedding": EMBEDDING}, {"name": "cat, dog"}, "a JSON list of texts"),
        ({"embedding": EMBEDDING}, {"name": '["cat", 2]'}, "lacks name"),
        ({"embedding": EMBEDDING, "name": np.arange(3)}, None, "lacks name"),
        ({"texts": EMBEDDING}, {"name": json.dumps(NAMES)}, "lacks embedding"),
    ],
)
def test_what_is_wrong_with_safetensors_is_one_line(tmp_path, tensors, metadata, expected):
    save_file(tensors, tmp_path / "t.safetensors", metadata)
    with pytest.raises(TextsError, match=expected) as caught:
        texts_classifier(tmp_path / "t.safetensors")
    assert "\n" not in str(caught.value)


def test_damaged_safetensors_are_one_line(tmp_path):
    save_file({"embedding": EMBEDDING}, tmp_path / "t.safetensors")
    (tmp_path / "t.safetensors").write_bytes((tmp_path / "t.safetensors").read_bytes()[:-8])
    with pytest.raises(TextsError, match="not a readable safetensors file"):
        texts_classifier(tmp_path / "t.safetensors")


def test_a_csv_gives_the_same_with_the_scale_of_clip(tmp_path):
    lines = ['"{}",{}'.format(n, ",".join(map(repr, row.tolist())))
             for n, row in zip(NAMES, EMBEDDING, strict=True)]  # fmt: skip
    expected = texts_classifier(written(tmp_path / "t.npz"))
    for rows in (lines, ["name,a,b,c,d,e,f", *lines, ""]):
        (tmp_path / "t.csv").write_text("\n".join(rows), encoding="utf-8")
        found = texts_classifier(tmp_path / "t.csv")
        np.testing.assert_allclose(found.weight, expected.weight, rtol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(found.weight, axis=1), 100, rtol=1e-6)
        assert (found.names, found.activation) == (expected.names, "softmax")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"embedding": None}, "lacks embedding; expected embedding (texts × numbers)"),
        ({"name": None}, "lacks name"),
        ({"embedding": EMBEDDING[0]}, "shape (6,)"),
        ({"embedding": EMBEDDING.astype("i4")}, "int32"),
        ({"name": np.array(NAMES[:2])}, "2 names for 3 embeddings"),
        ({"name": np.array(["cat", "owl", "cat"])}, "'cat' is there twice"),
        ({"name": np.array(["cat", " ", "owl"])}, "the name of text 2 is empty"),
        ({"name": np.array([1, 2, 3])}, "expected a row of texts"),
        ({"name": np.array(NAMES, object)}, "not a readable npz of plain arrays"),
        ({"embedding": np.where(np.eye(3, 6) > 0, np.nan, EMBEDDING)}, "of 'cat' is not finite"),
        ({"embedding": 3 * EMBEDDING}, "norm 3, expected 1"),
        ({"embedding": 0 * EMBEDDING}, "norm 0, expected 1"),
        ({"embedding": EMBEDDING[[0, 1, 0]]}, "'cat' and '梟' have the same embedding"),
        ({"embedding": EMBEDDING[:1], "name": np.array(["cat"])}, "at least two"),
        ({"scale": np.array([1.0, 2.0])}, "scale is not one finite number"),
        ({"scale": np.array(-4.6)}, "more than 0: the factor itself, not its logarithm"),
        ({"bias": np.array(np.inf)}, "bias is not one finite number"),
    ],
)
def test_what_is_wrong_with_an_npz_is_one_line(tmp_path, changed, expected):
    with pytest.raises(TextsError) as refused:
        texts_classifier(written(tmp_path / "t.npz", **changed))
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "found 0 lines"),
        (b"cat\nowl\n", "2 lines of 1 cells"),
        (b"cat,1,0\nowl,1\n", "2 lines of 2, 3 cells"),
        (b"cat,1,0\nowl,0,x\n", "text 2: 'x' is not a number"),
        (b"cat,1,0\nowl,0,nan\n", "'owl' is not finite"),
        (b"\xff\xff\xff\x01", "give .npz, .safetensors or .csv"),
        (b"PK\x03\x04 and nothing more", "not a readable npz"),
    ],
)
def test_what_is_wrong_with_another_file_is_one_line(tmp_path, content, expected):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(TextsError) as refused:
        texts_classifier(tmp_path / "t.csv")
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(TextsError, match=r"t\.npz: cannot be read \(No such file"):
        texts_classifier(tmp_path / "t.npz")
