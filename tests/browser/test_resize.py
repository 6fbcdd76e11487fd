"""A page that was resized looks like one that was opened at that size, to the pixel."""

import pytest

from tests.browser.conftest import MODEL_S, HeadbrushPage

SIZES = {"narrow": {"width": 1440, "height": 900}, "wide": {"width": 1920, "height": 1080}}
PLOTS = {
    "A": "images_plot", "B1": "importance_plot", "B2": "pruning_plot", "B3": "prediction_plot",
    "C1": "overview_plot", "C2": "strength_vector", "C3": "entropy_plot", "D1": "patterns_plot",
    "D2": "context_plain", "D3": "axes_plot", "D4": "matrix_plot", "D5": "threshold_plot",
}  # fmt: skip
SHOWN = """() => Object.fromEntries(
    [...Bokeh.index.query(v => v.model.type == 'Figure' && v.is_displayed)].map(v => {
        const {primary, overlays} = v.canvas_view
        const {width, height} = v.el.getBoundingClientRect()
        const pixels = [primary, overlays].map(layer => layer.canvas.toDataURL())
        return [v.model.name, [primary.canvas.width, primary.canvas.height, width, height, pixels]]
    }))"""
"""Size of canvas and element, and pictures of both layers, of each plot by its name."""
PICTURE_FITS = """(() => {
    const plot = named('patterns_plot')
    const sources = plot.renderers.slice(0, 2).map(renderer => renderer.data_source)
    const shapes = sources.flatMap(source => [...source.get_array('image')].map(i => i.shape))
    return String(shapes) == String([plot.inner_height, plot.inner_width])
})()"""
"""The server has drawn D1's picture for the size that the plot has now."""
SETTLED = (
    f"named('pruning_note').text.startsWith('L') && Bokeh.documents[0].is_idle && {PICTURE_FITS}"
)


def settled(page: HeadbrushPage) -> dict[str, list]:
    """What ``SHOWN`` tells once all answers are there, canvases fit and two frames are the same."""
    page.wait(SETTLED, MODEL_S)
    last = None
    for _ in range(40):
        page.page.wait_for_timeout(300)
        now = page.page.evaluate(SHOWN)
        if now == last and not misfits(now):
            assert now.keys() >= set(PLOTS.values())
            return now
        last = now
    raise AssertionError(f"plots go on painting, or do not fit: {misfits(now)}")


def misfits(shown: dict[str, list]) -> list[str]:
    """Names of the plots whose canvas is larger or smaller than their element."""
    return [
        name
        for name, (width, height, room, high, _) in shown.items()
        if max(abs(width - room), abs(height - high)) >= 1
    ]


def different(one: dict[str, list], other: dict[str, list]) -> list[str]:
    """Names of the plots that differ; not their pictures, which nobody can read."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


@pytest.fixture(params=["light", "dark"])
def opened(browser, server, request):
    """A function that opens a page at a size, in one theme."""
    contexts = []

    def open_page(size: str) -> HeadbrushPage:
        contexts.append(browser.new_context(viewport=SIZES[size], color_scheme=request.param))
        return HeadbrushPage(contexts[-1].new_page(), server)

    yield open_page
    for context in contexts:
        context.close()


def test_a_resized_page_looks_like_a_fresh_one(opened):
    page = opened("narrow")
    narrow = settled(page)
    page.page.set_viewport_size(SIZES["wide"])
    wide = settled(page)
    page.page.set_viewport_size(SIZES["narrow"])
    back = settled(page)
    fresh = settled(opened("wide"))
    assert different(narrow, wide) == sorted(narrow)
    assert different(wide, fresh) == []
    assert different(back, narrow) == []
    assert page.faults == []
