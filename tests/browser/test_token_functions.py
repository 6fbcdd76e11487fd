"""What the browser makes of a matrix, the functions of attention_matrix.js, against plain numpy."""

import numpy as np
import pytest

from headbrush.server.views.tokens.selected_matrix import (
    from_codes,
    prefix_width,
    strongest,
    to_codes,
)
from tests.browser.conftest import ROOT
from tests.stores import attention

GEOMETRIES = [
    (prefix, rows, columns) for prefix in (0, 1, 2, 5) for rows, columns in ((3, 5), (4, 4), (1, 7))
]
FAINT = 0.3


@pytest.fixture(scope="module")
def script(browser):
    """An empty page with the functions of attention_matrix.js."""
    page = browser.new_page()
    page.add_script_tag(path=ROOT / "server" / "static" / "attention_matrix.js")
    yield lambda code, **values: page.evaluate(
        f"({{codes, ...v}}) => {{ const c = Uint16Array.from(codes ?? []); {code} }}", values
    )
    page.close()


def geometry(prefix, rows, columns):
    return {
        "prefix": prefix, "rows": rows, "columns": columns, "has_class": prefix > 0,
        "wide": prefix_width(rows * columns),
    }  # fmt: skip


def matrix_of(prefix, rows, columns):
    """A random matrix as the browser has it: float32 of which the upper half is kept."""
    codes = to_codes(attention(1, 1, 1, prefix + rows * columns)[0, 0, 0])
    return codes, from_codes(codes)


def widened(t):
    """The token at every unit of an axis."""
    patches = np.arange(t["prefix"], t["prefix"] + t["rows"] * t["columns"])
    return np.concatenate([np.repeat(np.arange(t["prefix"]), t["wide"]), patches])


@pytest.mark.parametrize("shape", GEOMETRIES)
def test_masks_are_column_and_row_of_the_token(script, shape):
    codes, matrix = matrix_of(*shape)
    prefix = shape[0]
    for token in (0, len(matrix) // 2, len(matrix) - 1):
        masks = script(
            "const m = headbrush.matrix.masks(c, v.t, v.token); return [[...m.from], [...m.to]]",
            codes=codes.ravel().tolist(), t=geometry(*shape), token=token,
        )  # fmt: skip
        np.testing.assert_array_equal(masks[0], matrix[prefix:, token])
        np.testing.assert_array_equal(masks[1], matrix[token, prefix:])
    masks = script(
        "const m = headbrush.matrix.masks(c, v.t, null); return [[...m.from], [...m.to]]",
        codes=codes.ravel().tolist(), t=geometry(*shape),
    )  # fmt: skip
    np.testing.assert_allclose(masks[0], matrix[prefix:].mean(1), rtol=1e-6)
    np.testing.assert_allclose(masks[1], matrix[:, prefix:].mean(0), rtol=1e-6)


@pytest.mark.parametrize("most", [7, 10_000])
@pytest.mark.parametrize("shape", GEOMETRIES)
def test_lines_are_the_strongest_above_the_threshold(script, shape, most):
    codes, matrix = matrix_of(*shape)
    for token in (None, 0, len(matrix) - 1):
        for share in (0.01, 0.3, 1.0):
            threshold = strongest(codes, share)
            lines = script(
                "return headbrush.matrix.lines(c, v.t, v.threshold, v.token, v.most)",
                codes=codes.ravel().tolist(), t=geometry(*shape), threshold=threshold,
                token=token, most=most,
            )  # fmt: skip
            wanted = matrix >= threshold
            if token is not None:
                wanted &= (np.arange(len(matrix)) == token) | (np.arange(len(matrix)) == token)[
                    :, None
                ]
            source, target = np.nonzero(wanted)
            order = np.argsort(-matrix[source, target], kind="stable")[:most]
            expected = set(zip(source[order].tolist(), target[order].tolist(), strict=True))
            assert lines["total"] == len(source)
            assert set(zip(lines["source"], lines["target"], strict=True)) == expected
            assert len(lines["value"]) == len(expected)
            np.testing.assert_array_equal(lines["value"], matrix[lines["source"], lines["target"]])
            assert (np.diff(lines["value"]) >= 0).all()


@pytest.mark.parametrize("threshold", [0.0, 1e-9, 0.02, 0.0625, 0.0626, 1.0])
def test_counts_are_those_of_numpy_also_where_a_value_is_the_threshold(script, threshold):
    values = np.array([0, 2.0**-20, 0.015625, 0.0625, 0.0625, 0.06298828125, 0.5, 1], "f4")
    found = script(
        "return headbrush.matrix.countFrom(c, v.threshold)",
        codes=to_codes(values).tolist(), threshold=threshold,
    )  # fmt: skip
    assert found == (values >= threshold).sum()


@pytest.mark.parametrize("shape", GEOMETRIES)
def test_the_picture_is_the_widened_matrix_and_faint_below_the_threshold(script, shape):
    codes, matrix = matrix_of(*shape)
    t = geometry(*shape)
    tokens = widened(t)
    threshold, top = strongest(codes, 0.2), float(matrix.max())
    picture = script(
        "const all = {start: 0, end: headbrush.matrix.extent(v.t)};"
        "const p = headbrush.matrix.picture(c, v.t, all, all, [999, 999], v.look);"
        "return {...p, image: [...p.image[0]], shape: p.image[0].shape}",
        codes=codes.ravel().tolist(), t=t,
        look={"threshold": threshold, "top": top, "prefix": "#0000ff", "patch": "#ff0000"},
    )  # fmt: skip
    assert picture["shape"] == [len(tokens)] * 2
    pixels = np.array(picture["image"], np.uint32).view(np.uint8).reshape(*picture["shape"], 4)
    shown = matrix[tokens][:, tokens]
    assert ((pixels[..., 3] > FAINT * 255) == (shown >= threshold)).mean() > 0.999
    blue = (tokens < t["prefix"])[:, None] | (tokens < t["prefix"])
    np.testing.assert_array_equal(pixels[..., 2] == 255, blue)
    np.testing.assert_array_equal(pixels[..., 0] == 255, ~blue)


def test_a_picture_smaller_than_the_matrix_shows_the_strongest_of_a_pixel(script):
    shape = (0, 4, 6)
    codes, matrix = matrix_of(*shape)
    picture = script(
        "const p = headbrush.matrix.picture(c, v.t, {start: 0, end: 24},"
        "{start: 24, end: 0}, [8, 6], v.look); return [...p.image[0]].map((pixel) => pixel >>> 24)",
        codes=codes.ravel().tolist(), t=geometry(*shape),
        look={"threshold": 0, "top": 1, "prefix": "#0000ff", "patch": "#ff0000"},
    )  # fmt: skip
    best = matrix.reshape(6, 4, 8, 3).max((1, 3))
    expected = np.round(255 * (0.25 + 0.75 * best)).ravel()
    np.testing.assert_allclose(picture, expected, atol=1)


@pytest.mark.parametrize("shape", GEOMETRIES)
def test_every_place_on_an_axis_names_its_token(script, shape):
    t = geometry(*shape)
    tokens = widened(t)
    found = script(
        "return v.at.map((x) => headbrush.matrix.tokenAt(v.t, x))",
        t=t, at=[-0.1, *(np.arange(len(tokens)) + 0.5).tolist(), len(tokens)],
    )  # fmt: skip
    assert found == [None, *tokens.tolist(), None]
    centres = script(
        "return v.all.map((k) => headbrush.matrix.centre(v.t, k))", t=t, all=list(set(found[1:-1]))
    )
    np.testing.assert_allclose(
        centres, [np.flatnonzero(tokens == token).mean() + 0.5 for token in set(found[1:-1])]
    )


def test_names_say_class_prefix_or_place(script):
    names = script(
        "return [0, 1, 2, 9].map((k) => headbrush.matrix.describe(v.t, k))", t=geometry(2, 3, 5)
    )
    assert names == [
        "CLS", "prefix token 1", "patch 0 (row 0, column 0)", "patch 7 (row 1, column 2)",
    ]  # fmt: skip
