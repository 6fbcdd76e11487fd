"""The page without a mouse: stops of the Tab key, names, keys in plots; what axe-core finds."""

from tests.browser.axe import findings

MOST_STOPS = 25
FOCUSED = """() => {
  let one = document.activeElement
  while (one.shadowRoot?.activeElement) one = one.shadowRoot.activeElement
  let panel = one
  while (panel && !panel.matches(".hb-panel"))
    panel = panel.parentElement ?? panel.getRootNode().host
  return {panel: panel?.dataset.name ?? "", role: one.getAttribute("role") ?? "",
          name: one.getAttribute("aria-label") ?? one.textContent, id: one.id,
          tag: one.tagName}
}"""


def go_to(page, panel):
    """Press Tab until the plot of a panel is in focus."""
    for _stop in range(2 * MOST_STOPS):
        page.page.keyboard.press("Tab")
        now = page.page.evaluate(FOCUSED)
        if (now["panel"], now["role"]) == (panel, "application"):
            return
    raise AssertionError(f"Tab leads to no plot in {panel}")


def test_every_panel_has_its_stop_and_a_name_that_says_what_it_shows(page, data):
    keyboard, stops = page.page.keyboard, []
    while not any(stop["panel"] == "threshold" for stop in stops):
        keyboard.press("Tab")
        stops.append(page.page.evaluate(FOCUSED))
        assert len(stops) <= 2 * MOST_STOPS
    print(f"stops of the Tab key to the last panel: {len(stops)}")
    assert stops[0]["id"] == "skip"
    assert len(stops) <= MOST_STOPS
    assert "SECTION" not in {stop["tag"] for stop in stops}  # a panel begins with its buttons
    panels = page.page.eval_on_selector_all(
        ".hb-panel:not([hidden])", "all => all.map(one => one.dataset.name)"
    )
    assert {stop["panel"] for stop in stops} - {""} == set(panels)
    names = {stop["panel"]: stop["name"] for stop in stops if stop["role"] == "application"}
    assert names["head_importance"].startswith("B1: Which heads matter?")
    label = data.head_labels[data.first.head.number]
    assert f"selected head {label}" in names["head_importance"]
    assert findings(page.page) == []
    page.page.click("#theme")
    assert findings(page.page) == []
    keyboard.press("Tab")
    keyboard.press("Shift+Tab")
    first = page.page.evaluate(FOCUSED)
    keyboard.press("ArrowRight")
    assert page.page.evaluate(FOCUSED) != first
    keyboard.press("ArrowLeft")
    assert page.page.evaluate(FOCUSED) == first


def test_keys_select_brush_and_leave_one_step_at_a_time(page, data):
    press = page.page.keyboard.press
    go_to(page, "image_overview")
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown"):
        for _time in range(40):  # a rectangle over all
            press(key)
    page.page.wait_for_selector(
        f"#spoken:text('rectangle: {data.num_images} of {data.num_images}')", state="attached"
    )
    press("Enter")
    page.wait("named('brushed_text').text.startsWith('brushed')")
    assert page.source("thumbnail")["selected"] == list(range(data.num_images))
    press("Escape")  # the rectangle
    assert page.page.locator(".hb-cursor >> visible=true").count() == 0
    press("Escape")  # the image
    page.wait("!named('selection_text').text.includes('image ')")
    assert page.value("brushed_text", "text").startswith("brushed")
    press("Escape")  # the brush
    page.wait("named('brushed_text').text.startsWith('nothing')")
    assert page.page.evaluate(FOCUSED)["panel"] == "image_overview"

    go_to(page, "head_importance")
    press("Home")
    press("Enter")
    page.wait(f"named('selection_text').text.includes({data.head_labels[0]!r})")
    press("ArrowRight")
    press(" ")
    page.wait("named('brushed_text').text.startsWith('brushed')")
    assert page.source("layer_jitter")["selected"] == [1]
    press(" ")
    page.wait("named('brushed_text').text.startsWith('nothing')")

    go_to(page, "image_context")
    press("End")
    last = data.store.num_prefix_tokens + data.store.grid[0] * data.store.grid[1] - 1
    page.wait(f"named('tokens').hovered === {last}")
    press("ArrowUp")
    page.wait(f"named('tokens').hovered === {last - data.store.grid[1]}")
    press("Home")
    press("Enter")
    page.wait("named('tokens').token === 0")
    press("Escape")  # what the keys point at
    page.wait("named('tokens').hovered === null")
    assert page.value("tokens", "token") == 0
    press("Escape")
    page.wait("named('tokens').token === null")
