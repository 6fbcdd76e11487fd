"""While a box over patterns is dragged, density and counts follow; the end is one step."""

from itertools import pairwise

PICTURE = """
() => Array.from(Bokeh.documents[0].get_model_by_name("patterns_plot").renderers.find(
  (renderer) => renderer.glyph.type == "Image").data_source.get("image")[0])
"""


def test_density_and_counts_follow_a_box_that_is_dragged(page):
    f = page.frame("patterns_plot")
    pictures = [page.page.evaluate(PICTURE)]
    page.page.mouse.move(f["left"] + 4, f["top"] + 4)
    page.page.mouse.down()
    counts = []
    for share in (0.5, 0.75, 0.97):
        page.page.mouse.move(
            f["left"] + share * f["width"], f["top"] + share * f["height"], steps=5
        )
        before = counts[-1] if counts else "nothing"
        page.wait(f"!named('brushed_text').text.startsWith({before!r})")
        page.page.wait_for_timeout(300)
        counts.append(page.value("brushed_text", "text"))
        assert "brush=" not in page.page.url
        pictures.append(page.page.evaluate(PICTURE))
    assert len(set(counts)) == 3
    assert all(after != before for before, after in pairwise(pictures))
    page.page.mouse.up()
    page.page.wait_for_function("location.search.includes('box:')")
    assert page.value("brushed_text", "text") == counts[-1]
    page.page.keyboard.press("z")
    page.wait("named('brushed_text').text.startsWith('nothing')")
    page.page.keyboard.press("y")
    page.wait(f"named('brushed_text').text == {counts[-1]!r}")
