"""Chips, classes, shares, named brushes and files: with a real mouse, keyboard and storage."""

import csv
import json

import numpy as np

from tests.browser.conftest import HeadbrushPage


def corners(page, plot, low=0.1, high=0.7):
    f = page.frame(plot)
    return [
        (f["x0"] + part * (f["x1"] - f["x0"]), f["y0"] + part * (f["y1"] - f["y0"]))
        for part in (low, high)
    ]


def chips(page):
    return [chip.removesuffix("×") for chip in page.page.locator(".hb-chip").all_text_contents()]


def until(page, expected):
    page.page.wait_for_function(
        "e => JSON.stringify([...document.querySelectorAll('.hb-chip')].map("
        "c => c.textContent.slice(0, -1))) == JSON.stringify(e)",
        arg=expected,
    )


def class_button(page, kind):
    return page.page.locator(f"[data-name=image_overview] [data-kind=class][data-number='{kind}']")


def colour_by(page, label):
    page.page.locator("[data-name=image_overview] select[name=image_colour]").select_option(
        label=f"colour: {label}"
    )


def brush_class(page, kind, expected, **options):
    class_button(page, kind).click(**options)
    page.wait(f"named('brushed_text').text.startsWith('brushed: {expected} of')")


def save(page, name, count):
    if not page.page.locator("#brush_name").is_visible():
        page.page.locator("#named").click()
    page.page.locator("#brush_name").fill(name)
    page.page.keyboard.press("Enter")
    page.page.wait_for_function(f"document.querySelectorAll('#named_list li').length == {count}")
    page.page.keyboard.press("Escape")
    page.page.locator("#brush_name").wait_for(state="hidden")


def test_chips_come_and_go_without_moving_the_page(page):
    def places():
        return [panel.bounding_box() for panel in page.page.locator(".hb-panel").all()]

    before = places()
    page.drag("images_plot", *corners(page, "images_plot", 0.03, 0.9))
    page.page.wait_for_function("document.querySelectorAll('.hb-chip').length == 1")
    page.drag("patterns_plot", *corners(page, "patterns_plot"))
    page.page.wait_for_function("document.querySelectorAll('.hb-chip').length == 2")
    page.drag("patterns_plot", *corners(page, "patterns_plot", 0.5, 0.9), keys=["Shift"])
    page.page.wait_for_function("document.querySelectorAll('.hb-chip').length == 3")
    images, first, second = chips(page)
    assert images.endswith(" images")
    assert (first, second) == ("D1 offset box", "+ D1 offset box")
    assert places() == before
    page.page.get_by_label("Remove D1 offset box").click()
    until(page, [images, "+ D1 offset box"])
    page.page.get_by_label(f"Remove {images}").focus()
    page.page.keyboard.press("Enter")
    until(page, ["+ D1 offset box"])
    assert page.source("thumbnail")["selected"] == []
    page.page.keyboard.press("Enter")  # the next chip has the focus
    until(page, [])
    assert places() == before


def test_classes_are_brushed_by_mouse_and_keyboard(page, data):
    labels = data.labels
    one, other = np.unique(labels)[:2]
    brush_class(page, one, (labels == one).sum())
    both = np.flatnonzero((labels == one) | (labels == other))
    brush_class(page, other, len(both), modifiers=["Shift"])
    assert page.source("thumbnail")["selected"] == both.tolist()
    colour_by(page, "correct or not")
    wrong = page.page.locator("[data-name=image_overview] [data-kind=correct][data-number='1']")
    wrong.focus()
    page.page.keyboard.press("Enter")
    count = (~data.correct).sum()
    page.wait(f"named('brushed_text').text.startsWith('brushed: {count} of')")


def test_brushed_patterns_tell_their_heads_and_images(page):
    box = corners(page, "patterns_plot", 0.2, 0.6)
    page.drag("patterns_plot", *box)
    until(page, ["D1 offset box"])
    heads, images = page.source("layer_jitter"), page.source("thumbnail")
    counted = page.value("brushed_text", "text").split("·")[-1].split(" of ")[0]
    total = int(counted.replace(" ", ""))
    assert sum(heads["brushed"]) == total > 0
    most = max(heads["brushed"])
    np.testing.assert_allclose(heads["share"], np.array(heads["brushed"]) / most, rtol=1e-6)
    assert max(images["share"]) == 1


def test_counts_have_numbers_and_a_tap_selects_the_head(page, data):
    page.drag("patterns_plot", *corners(page, "patterns_plot", 0.2, 0.6))
    until(page, ["D1 offset box"])
    panel = page.page.locator("[data-name=strength_overview]")
    panel.get_by_role("button", name="counts").click()
    page.wait("named('head_counts').visible && named('head_counts').inner_width > 0")
    numbers = "named('head_counts').renderers.find(r => r.glyph.type == 'Text').visible"
    page.wait(numbers)
    last = data.num_heads - 1
    layer, head = divmod(last, data.heads_per_layer)
    page.click("head_counts", layer, head)
    page.wait(f"/^head {data.head_labels[last]}[: ]/.test(named('selection_text').text)")
    page.drag("head_counts", (-0.45, data.heads_per_layer - 0.6), (0.45, -0.45))
    page.page.wait_for_function(
        f"[...document.querySelectorAll('.hb-chip')].some("
        f"c => c.textContent.startsWith('{data.heads_per_layer} heads'))"
    )


def test_named_brushes_are_compared_and_come_back_after_a_reload(page, data):
    labels, values = data.labels, data.importance("jsd")
    kinds = np.unique(labels)[:2]
    for number, kind in enumerate(kinds, 1):
        brush_class(page, kind, (labels == kind).sum())
        save(page, f"class {kind}", number)
    means = [values[labels == kind].mean(0) for kind in kinds]
    drawn = page.page.evaluate(
        "() => Bokeh.documents[0].get_model_by_name('importance_plot').renderers"
        ".filter(r => r.glyph.type == 'Line' && r.data_source.get_column('mean'))"
        ".map(r => Array.from(r.data_source.get_column('mean')))"
    )
    for expected in (*means, means[0] - means[1]):
        assert any(np.allclose(line, expected, atol=1e-6) for line in drawn)
    page.page.wait_for_timeout(500)
    page.page.reload()
    page.page.wait_for_function("document.querySelectorAll('#compared .hb-name').length == 2")
    page.wait("named('pattern_legend').text.includes('both')")
    page.page.get_by_label(f"Stop comparing class {kinds[1]}").click()
    page.page.wait_for_function("document.querySelectorAll('#compared .hb-name').length == 1")
    page.page.keyboard.press("Control+z")
    page.page.wait_for_function("document.querySelectorAll('#compared .hb-name').length == 2")
    page.page.keyboard.press("Control+y")
    page.page.wait_for_function("document.querySelectorAll('#compared .hb-name').length == 1")
    page.page.locator("#named").click()
    name = page.page.get_by_label(f"Name of class {kinds[0]}")
    for refused in ("", f"class {kinds[1]}"):
        name.fill(refused)
        name.press("Tab")
        page.page.wait_for_function("document.getElementById('brush_said').textContent != ''")
        assert name.input_value() == f"class {kinds[0]}"
    name.fill("<img src=x onerror=alert(1)>")
    name.press("Tab")
    page.page.wait_for_function(
        "document.getElementById('compared').textContent.includes('<img src=x')"
    )
    page.page.get_by_label("Delete <img").click()
    page.page.wait_for_function("document.querySelectorAll('#named_list li').length == 1")
    page.page.get_by_label("again").click()
    page.wait(f"named('brushed_text').text.startsWith('brushed: {(labels == kinds[1]).sum()} of')")


KEY = (
    "(({store, PART}) => `headbrush_brushes ${store} ${PART}`)"
    "(Bokeh.documents[0].get_model_by_name('brush_bar').tags[0])"
)
"""Under which the browser keeps the named brushes of this store's images."""


def kept_rows(*names):
    return json.dumps([
        {"name": name, "colour": "#112233", "brush": "images:r:0", "compared": False}
        for name in names
    ])  # fmt: skip


def test_named_brushes_of_other_images_are_counted_until_they_are_forgotten(browser, server):
    with browser.new_context() as context:
        page = HeadbrushPage(context.new_page(), server)
        inside = page.page
        own = inside.evaluate(KEY.replace("PART", "images"))
        other = own[:-8] + "0000abcd"
        another_store = own.replace(".headbrush", ".headbrush two")
        for key, rows in (
            (inside.evaluate(KEY.replace("PART", "created")), kept_rows("of 0.1")),
            (other, kept_rows("one", "two")),
            (other[:-1] + "e", "[{"),
            (another_store, kept_rows("three")),
        ):
            inside.evaluate("([key, rows]) => localStorage.setItem(key, rows)", [key, rows])
        inside.reload()
        inside.wait_for_function("document.querySelectorAll('#named_list li').length == 1")
        line = "2 named brushes belong to other images of this store and are not shown."
        assert inside.locator("#brush_said").text_content() == line
        inside.locator("#named").click()
        assert inside.locator("#named_others span").text_content() == line
        inside.get_by_role("button", name="Forget").click()
        inside.locator("#named_others").wait_for(state="hidden")
        assert sorted(inside.evaluate("Object.keys(localStorage)")) == sorted([own, another_store])
        assert page.faults == []


def test_kept_brushes_that_are_damaged_are_named_and_dropped(browser, server):
    with browser.new_context() as context:
        page = HeadbrushPage(context.new_page(), server)
        key = page.page.evaluate(KEY.replace("PART", "images"))
        page.page.evaluate("key => localStorage.setItem(key, '[{]')", key)
        page.page.reload()
        page.page.wait_for_function(
            "document.getElementById('brush_said')?.textContent.includes('could not be read')"
        )
        assert page.faults == []


def test_what_is_brushed_is_exported_and_loaded_again(page, data, tmp_path):
    kind = np.unique(data.labels)[0]
    expected = np.flatnonzero(data.labels == kind)
    brush_class(page, kind, len(expected))
    page.page.locator("summary", has_text="Export CSV").click()
    with page.page.expect_download() as downloading:
        page.page.locator("[data-export=images]").click()
    download = downloading.value
    assert download.suggested_filename == "tiny-images.csv"
    written = tmp_path / "images.csv"
    download.save_as(written)
    with written.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [data.names[image] for image in expected]
    page.drop_brush()
    until(page, [])
    with written.open("a") as file:
        file.write("99,missing.png\n")
    page.page.locator("#names_file").set_input_files(written)
    page.wait(f"named('brushed_text').text.startsWith('brushed: {len(expected)} of')")
    said = page.page.text_content("#brush_said")
    total = len(expected)
    assert said == f"{total} of {total + 1} names found; 1 unknown, the first is 'missing.png'."
