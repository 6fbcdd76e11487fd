"""CSV files of what is brushed, and lists of names that brush."""

import csv
import gzip
import io
import math

import numpy as np
import pytest

from headbrush.analysis.store.errors import InputError
from headbrush.server.session.brush import csv_export
from headbrush.server.session.brush.clauses import Clause, Ids
from headbrush.server.session.brush.name_list import (
    MOST_BYTES,
    NamesError,
    find_images,
    quoted,
    read_names,
)

CLAUSES = (Clause("images", Ids((1, 4))), Clause("heads", Ids((2, 3, 5))))


def rows(session, kind, clauses=CLAUSES):
    text = gzip.decompress(
        csv_export.to_csv(session.data, session.resolved(clauses), kind)
    ).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_brushed_patterns_are_written_with_names_and_metrics(session, data):
    written = rows(session, "patterns")
    assert [(int(r["image"]), int(r["layer"]), int(r["head"])) for r in written] == [
        (image, *divmod(head, 2)) for image in (1, 4) for head in (2, 3, 5)
    ]
    for row in written:
        image, head = int(row["image"]), int(row["layer"]) * 2 + int(row["head"])
        assert row["name"] == data.names[image]
        assert row["true_class"] == data.class_name(int(data.labels[image]))
        assert row["predicted_class"] == data.class_name(int(data.predicted[image]))
        assert float(row["jsd"]) == pytest.approx(data.importance("jsd")[image, head], rel=1e-6)
        true = data.probability[image, data.labels[image]]
        assert float(row["loss"]) == pytest.approx(-math.log(true), rel=1e-5)
        assert float(row["strength_entropy"]) == pytest.approx(data.entropy[image, head], rel=1e-6)


def test_images_and_heads_have_the_means_of_their_brushed_patterns(session, data):
    jsd = data.importance("jsd")
    images, heads = rows(session, "images"), rows(session, "heads")
    means = [float(row["jsd"]) for row in images]
    np.testing.assert_allclose(means, jsd[[1, 4]][:, [2, 3, 5]].mean(1), rtol=1e-5)
    means = [float(row["jsd"]) for row in heads]
    np.testing.assert_allclose(means, jsd[[1, 4]][:, [2, 3, 5]].mean(0), rtol=1e-5)
    assert [row["brushed_patterns"] for row in images] == ["3", "3"]
    assert [row["brushed_patterns"] for row in heads] == ["2", "2", "2"]


def test_where_nothing_is_brushed_all_is_written(session, data):
    assert len(rows(session, "images", ())) == data.num_images
    assert not any(math.isnan(float(row["jsd"])) for row in rows(session, "heads", ()))


def test_too_many_rows_are_refused_with_a_sentence(session, monkeypatch):
    monkeypatch.setattr(csv_export, "MOST_ROWS", 5)
    with pytest.raises(InputError, match="brush fewer"):
        rows(session, "patterns")


@pytest.mark.parametrize("name", ["=1+1", "+x", "-x", "@x", "\tx"])
def test_a_name_is_never_a_formula_and_comes_back(session, data, monkeypatch, name):
    names = [name, *data.names[1:]]
    monkeypatch.setattr(data, "names", names)
    assert rows(session, "images", ())[0]["name"] == "'" + name == quoted(name)
    assert find_images([quoted(name)], data)[0] == [0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a.png\n\nb.png\r\n", ["a.png", "b.png"]),
        (b"\xef\xbb\xbfimage,name\n0,a.png\n1,b.png", ["a.png", "b.png"]),
        (b'Name;x\n"a;b.png";1\n', ["a;b.png"]),
        (b"x\tname\n1\tb.png\n2\n", ["b.png"]),
        ("ä,b.png\n".encode(), ["ä,b.png"]),
        (b"sep=;\r\nname;x\r\na.png;1\r\n", ["a.png"]),
        (b"filename,label\na.png,1\nb.png,2\n", ["a.png", "b.png"]),
        (b"label;Path\r\n1;a.png\r\n", ["a.png"]),
        (b"image,name\n3,a.png\n", ["a.png"]),
        ("name\na.png\n".encode("utf-16"), ["a.png"]),
        (b'["a.png", "b.png"]', ["a.png", "b.png"]),
        (b'{"images": [{"id": 1, "file_name": "a.png"}]}', ["a.png"]),
        (b"[a].png\n", ["[a].png"]),
    ],
)
def test_names_are_read_from_a_column_or_from_lines(content, expected):
    assert read_names(content) == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a\xff\xfe", "UTF-8"),
        (b"[1, 2]", "no names"),
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"x" * (MOST_BYTES + 1), "larger"),
        (b"name\n" + b"x" * 200_000, "not CSV"),
        (b"," * 200_000 + b'"' + b"x" * 200_000, "not CSV"),
    ],
)
def test_a_list_that_cannot_be_read_gives_one_sentence(content, reason):
    with pytest.raises(NamesError, match=reason):
        read_names(content)


def test_the_note_counts_and_names_the_first_unknown(data):
    wanted = [data.names[3], "no.png", data.names[3], "neither.png", data.names[1]]
    assert find_images(wanted, data) == (
        [1, 3], "2 of 4 names found; 2 unknown, the first is 'no.png'.",
    )  # fmt: skip
    assert find_images([data.names[2]], data) == ([2], "1 of 1 names found.")


STORED = [
    "pullover/00016.png",
    "shirt/00016.png",
    "shirt/a b.png",
    "shirt/käse.png",
    "x,y.png",
]


@pytest.mark.parametrize(
    ("line", "image"),
    [
        ("pullover/00016.png", 0),
        ("pullover\\00016.png", 0),
        ("./pullover/00016.png", 0),
        (".\\pullover\\00016.png", 0),
        ("/data/images/pullover/00016.png", 0),
        ("C:\\data\\pullover\\00016.png", 0),
        ("file:///data/pullover/00016.png", 0),
        ("file:///data/shirt/a%20b.png", 2),
        ("shirt/a%20b.png", 2),
        ("a b.png", 2),
        ('"shirt/a b.png"', 2),
        ("'shirt/a b.png'  ", 2),
        ("shirt/ka\u0308se.png", 3),
        ("x,y.png", 4),
        ("a b.png,shirt", 2),
        ("shirt;a b.png", 2),
        ("00016.png", "ambiguous"),
        ("dress/00016.png", "unknown"),
        ("16.png", "unknown"),
        ("/" * 100_000, "unknown"),
        ("," * 100_000, "unknown"),
    ],
)
def test_a_line_names_an_image_as_programs_write_paths(data, monkeypatch, line, image):
    monkeypatch.setattr(data, "names", STORED)
    found, words = find_images([line], data)
    if isinstance(image, int):
        assert (found, words) == ([image], "1 of 1 names found.")
    else:
        assert found == []
        assert f"0 of 1 names found; 1 {image}, the first is" in words
