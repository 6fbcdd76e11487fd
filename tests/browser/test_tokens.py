"""The views of tokens under a real mouse, against plain numpy."""

import numpy as np
import pytest

from headbrush.server.session.url_state import default_state
from headbrush.server.views.tokens.selected_matrix import (
    from_codes,
    prefix_width,
    strongest,
    to_codes,
)
from tests.browser.conftest import selected_image
from tests.waiting import until

FAINT = 0.3


def shown_matrix(data, image=None):
    """Codes and values of the first screen's head."""
    state = default_state(data)
    image = selected_image(data) if image is None else image
    codes = to_codes(data.store.attention(image, state.layer, state.head))
    return codes, from_codes(codes)


def column(page, name, key):
    """A column of a named source, flat."""
    return page.page.evaluate(
        "([n, k]) => { const d = Bokeh.documents[0].get_model_by_name(n).data;"
        "const c = d[k]; return c[0]?.length == null ? [...c] : [...c[0]] }",
        [name, key],
    )


def lines_drawn(page):
    return sum(len(column(page, f"{kind}_lines", "x0")) for kind in ("prefix", "patch"))


def row_of(data, token):
    """Where a token's row is in the matrix plot."""
    prefix, patches = data.store.num_prefix_tokens, data.store.num_tokens
    wide = prefix_width(patches - prefix)
    start = token * wide if token < prefix else prefix * (wide - 1) + token
    return start + (wide if token < prefix else 1) / 2


def point_at(page, data, token):
    page.page.mouse.move(*page.at("matrix_plot", row_of(data, token), row_of(data, token)))
    page.wait(f"named('tokens').hovered === {token}")


def masks_are(page, data, matrix, token):
    prefix = data.store.num_prefix_tokens
    page.wait("named('from_mask').data.image.length == 1")
    np.testing.assert_array_equal(column(page, "from_mask", "image"), matrix[prefix:, token])
    np.testing.assert_array_equal(column(page, "to_mask", "image"), matrix[token, prefix:])


def test_the_first_screen_shows_the_strongest_percent_and_the_class_token(page, data):
    codes, matrix = shown_matrix(data)
    threshold = strongest(codes, 0.01)
    found = int((matrix >= threshold).sum())
    page.wait(f"named('threshold_note').text.includes('{found} of {matrix.size} values')")
    assert lines_drawn(page) == found
    masks_are(page, data, matrix, 0)
    assert page.value("plain_title", "text") == "token: CLS"
    assert page.value("from_title", "text") == "who attends to it"
    assert page.value("to_title", "text") == "where it looks"


def at_rest(page):
    """Wait until nothing has been painted for half a second: a model may still be at work."""
    for _ in range(40):
        page.page.evaluate("() => { window.painted = {} }")
        page.page.wait_for_timeout(500)
        if not page.page.evaluate("painted"):
            return
    raise AssertionError("the page goes on painting by itself")


def test_a_drag_of_the_threshold_redraws_lines_and_matrix_alone_and_is_one_step(page, data):
    page.page.evaluate(
        "() => { window.painted = {}; for (const view of Bokeh.index.roots.flatMap("
        "r => [...r.children_views(), r]).flatMap(function all(v) {"
        "return [v, ...(v.children_views?.() ?? []).flatMap(all)] })) {"
        "if (view.model?.type != 'Figure' && view.model?.type != 'Plot') continue;"
        "const paint = view.paint.bind(view), name = view.model.name;"
        "view.paint = (...words) => { painted[name] = (painted[name] ?? 0) + 1;"
        "return paint(...words) } } }"
    )
    codes, matrix = shown_matrix(data)
    frame = page.frame("threshold_plot")
    across = np.log10([frame["x0"], frame["x1"]])
    middle = frame["top"] + frame["height"] / 2
    at = lambda value: (  # noqa: E731
        frame["left"] + (np.log10(value) - across[0]) / (across[1] - across[0]) * frame["width"]
    )
    weak, strong = np.quantile(matrix, (0.05, 0.6))
    page.page.mouse.move(at(1e-3), middle)
    page.page.mouse.down()
    page.page.mouse.move(at(weak), middle, steps=4)
    until(lambda: page.value("tokens", "threshold") == pytest.approx(weak, rel=0.1))
    live = page.value("tokens", "threshold")
    until(lambda: lines_drawn(page) == (matrix >= live).sum())  # before the mouse is released
    assert "threshold=" not in page.page.url
    at_rest(page)
    page.page.mouse.move(at(strong), middle, steps=4)
    page.page.mouse.up()
    page.page.wait_for_function("location.search.includes('threshold=')")
    page.page.wait_for_timeout(300)  # nothing else is painted
    painted = set(page.page.evaluate("painted"))
    assert painted == {"threshold_plot", "axes_plot", "matrix_plot"}
    threshold = page.value("tokens", "threshold")
    assert threshold == pytest.approx(strong, rel=0.1)
    assert threshold == float(f"{threshold:.3g}")
    found = int((matrix >= threshold).sum())
    assert lines_drawn(page) == found
    page.wait(f"named('threshold_note').text.startsWith('A ≥ {threshold:.3g} · {found} of ')")
    opaque = [pixel >> 24 > FAINT * 255 for pixel in column(page, "matrix_picture", "image")]
    prefix = data.store.num_prefix_tokens
    wide = prefix_width(len(matrix) - prefix)
    times = np.r_[np.full(prefix, wide), np.ones(len(matrix) - prefix, int)]
    assert sum(opaque) == ((matrix >= threshold) * times * times[:, None]).sum()
    page.page.keyboard.press("z")
    page.wait(f"Math.abs(named('tokens').threshold - {strongest(codes, 0.01)}) < 1e-12")
    assert lines_drawn(page) == (matrix >= strongest(codes, 0.01)).sum()


def test_pointing_at_a_row_shows_its_masks_and_its_lines_alone(page, data):
    codes, matrix = shown_matrix(data)
    token = 5
    point_at(page, data, token)
    page.wait("named('plain_title').text == 'token: patch 4'")
    masks_are(page, data, matrix, token)
    wanted = matrix >= strongest(codes, 0.01)
    mine = wanted[token].sum() + wanted[:, token].sum() - wanted[token, token]
    assert lines_drawn(page) == mine
    page.page.mouse.move(5, 5)
    page.wait("named('tokens').hovered === null")
    masks_are(page, data, matrix, 0)
    assert lines_drawn(page) == wanted.sum()
    assert "token=" not in page.page.url


def test_a_tap_pins_a_token_a_second_tap_or_escape_or_undo_lets_it_go(page, data):
    _, matrix = shown_matrix(data)
    for release in ("tap", "Escape", "z"):
        spot = (row_of(data, 7), row_of(data, 7))
        page.click("matrix_plot", *spot)
        page.page.wait_for_function("location.search.includes('token=7')")
        page.page.mouse.move(5, 5)
        page.wait("named('tokens').hovered === null")
        page.wait("named('plain_title').text == 'token: patch 6, pinned'")
        masks_are(page, data, matrix, 7)
        page.page.wait_for_timeout(400)  # two quick clicks are a double click
        if release == "tap":
            page.click("matrix_plot", *spot)
            page.page.mouse.move(5, 5)
        else:
            page.page.keyboard.press(release)
        page.page.wait_for_function("!location.search.includes('token=')")
        page.wait("named('plain_title').text == 'token: CLS'")
        masks_are(page, data, matrix, 0)
        page.page.wait_for_timeout(400)  # as above


def test_pointing_at_a_patch_of_the_image_chooses_its_token(page, data):
    _, matrix = shown_matrix(data)
    columns = data.store.grid[1]
    row, across = 1, 2
    token = data.store.num_prefix_tokens + row * columns + across
    page.page.mouse.move(*page.at("context_plain", across + 0.5, row + 0.5))
    page.wait(f"named('tokens').hovered === {token}")
    masks_are(page, data, matrix, token)
    assert column(page, "own_patch", "x") == [across + 0.5]
    assert column(page, "own_patch", "y") == [row + 0.5]


def test_pointing_near_an_axis_chooses_its_token(page, data):
    page.page.mouse.move(*page.at("axes_plot", row_of(data, 9), 1.0))
    page.wait("named('tokens').hovered === 9")
    page.page.mouse.move(*page.at("axes_plot", row_of(data, 9), 0.5))
    page.wait("named('tokens').hovered === null")


def test_the_tooltip_reads_source_target_and_value(page, data):
    _, matrix = shown_matrix(data)
    page.page.mouse.move(*page.at("matrix_plot", row_of(data, 8), row_of(data, 3)))
    tip = page.page.locator(".hb-tip")
    words = " ".join(tip.inner_text().split())
    columns = data.store.grid[1]
    for patch in (2, 7):
        place = f"patch {patch} (row {patch // columns}, column {patch % columns})"
        assert place in words
    assert float(words.split()[-1]) == pytest.approx(matrix[3, 8], rel=5e-3)
    page.page.mouse.move(700, 5)
    assert not tip.is_visible()


def test_the_tools_inside_the_matrix_leave_its_right_edge_to_the_pointer(page, data):
    last = data.store.num_tokens - 1
    frame = page.frame("matrix_plot")
    page.page.mouse.move(frame["left"] + frame["width"] / 2, frame["top"] + frame["height"] / 2)
    page.page.mouse.move(
        frame["left"] + frame["width"] - 6, page.at("matrix_plot", 0, row_of(data, last))[1]
    )
    page.wait(f"named('tokens').hovered === {last}")
