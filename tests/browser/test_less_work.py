"""What the scripts in ``static/bokeh`` spare BokehJS changes nothing that is seen."""

import pytest

PICTURE = """(name) => {
    const { canvas_view } = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name(name))
    return [canvas_view.primary, canvas_view.overlays].map(layer => layer.canvas.toDataURL())
}"""
"""Both layers of a plot."""
WRITTEN = """(name) => {
    const view = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name(name))
    return view.el.shadowRoot.querySelector(".bk-clearfix")
}"""
"""What holds a text."""
ROOM = """(name) => {
    const view = Bokeh.index.find_one(Bokeh.documents[0].get_model_by_name(name))
    return [view.el.clientHeight, view.canvas_view.primary.canvas.height]
}"""
"""Heights of a plot's element and of its canvas."""

COLOURS = """() => {
    const renderer = Bokeh.documents[0].get_model_by_name("patterns_plot").renderers.find(
        one => one.data_source.name == "pattern_levels")
    const hex = number => (number % 256).toString(16).padStart(2, "0")
    const palette = Array.from(
        { length: 256 }, (_, one) => `#${hex(one)}${hex(3 * one)}${hex(7 * one)}ff`)
    renderer.glyph.color_mapper.setv({ palette, high: 255.5 })
    const canvas = Bokeh.index.find_one(renderer).glyph.image_data[0]
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
    const drawn = Array.from({ length: data.length / 4 }, (_, at) =>
        "#" + [...data.subarray(4 * at, 4 * at + 4)].map(hex).join(""))
    const bytes = renderer.data_source.get_array("image")[0]
    return [drawn, Array.from(bytes, value => palette[value])]
}"""
"""Colours of D1's pixels as they are drawn in a palette of 256, and by palette and bytes."""


def picture(page, name):
    """Both layers of a plot, once they stay the same."""
    last = None
    for _ in range(40):
        page.page.wait_for_timeout(150)
        now = page.page.evaluate(PICTURE, name)
        if now == last:
            return now
        last = now
    raise AssertionError(f"{name} goes on painting")


def brush(page):
    """Brush patterns, and wait until the page says so."""
    frame = page.frame("patterns_plot")
    width, height = frame["x1"] - frame["x0"], frame["y1"] - frame["y0"]
    corners = [(frame["x0"] + s * width, frame["y0"] + s * height) for s in (0.2, 0.6)]
    page.drag("patterns_plot", *corners)
    page.wait("/ of /.test(named('brushed_text').text)")


@pytest.mark.parametrize("overview", ["counts", "entropy"])
def test_a_plot_that_was_hidden_at_a_brush_looks_as_if_it_had_been_shown(page, overview):
    plot = {"counts": "head_counts", "entropy": "overview_plot"}[overview]
    panel = page.page.locator("[data-name=strength_overview]")
    if overview == "entropy":
        panel.get_by_role("button", name="counts").click()
        page.wait("named('head_counts').inner_width > 0")
    brush(page)
    panel.get_by_role("button", name=overview).click()
    page.wait(f"named('{plot}').visible && named('{plot}').inner_width > 0")
    after = picture(page, plot)
    page.page.reload()
    page.page.wait_for_function("window.Bokeh?.documents[0]?.is_idle")
    page.wait("/ of /.test(named('brushed_text').text)")
    assert after == picture(page, plot)


def test_a_new_text_is_put_where_the_old_one_is(page):
    box = page.page.evaluate_handle(WRITTEN, "brushed_text")
    brush(page)
    page.page.wait_for_function(
        "box => box.isConnected && box.textContent.includes(' of ')"
        "&& box.textContent === Bokeh.documents[0].get_model_by_name('brushed_text').text",
        arg=box,
    )


def test_a_text_that_needs_more_room_takes_it_from_the_plot(page):
    before, _ = page.page.evaluate(ROOM, "patterns_plot")
    page.page.evaluate(
        "() => { const note = Bokeh.documents[0].get_model_by_name('pattern_fidelity');"
        "note.text = 'much '.repeat(99) }"
    )
    page.page.wait_for_function(
        f"() => {{ const [room, height] = ({ROOM})('patterns_plot');"
        f"return room < {before} && Math.abs(room - height) <= 1 }}"
    )


def test_a_picture_has_the_colours_of_its_palette(page):
    brush(page)
    picture(page, "patterns_plot")
    drawn, wanted = page.page.evaluate(COLOURS)
    assert drawn == wanted
    assert len(set(wanted)) > 2
