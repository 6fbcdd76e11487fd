"""The browser's Back and Forward, Ctrl+Z, and buttons that have nothing to do."""

import numpy as np
import pytest


def click_head(page, data, number):
    page.click("importance_plot", number, page.frame("importance_plot")["y1"] / 2)
    wait_for_head(page, data, number)
    wait_for_address(page, data, number)


def wait_for_head(page, data, number):
    page.wait(f"named('selection_text').text.includes({data.head_labels[number]!r})")


def wait_for_address(page, data, number):
    head = data.head(number)
    page.page.wait_for_function(
        "head => new URLSearchParams(location.search).get('head') === head",
        arg=f"{head.layer}.{head.head}",
    )


def test_back_and_forward_are_undo_and_redo(page, data):
    start = page.value("selection_text", "text")
    one, two, three = [n for n in (3, 0, 2, 1) if n != data.first.head.number][:3]
    for number in (one, two, three):
        click_head(page, data, number)
        page.page.wait_for_timeout(400)  # two quick clicks are a double click
    tab = page.page
    tab.go_back()
    wait_for_head(page, data, two)
    tab.get_by_role("button", name="Undo").click()
    wait_for_head(page, data, one)
    wait_for_address(page, data, one)
    tab.go_forward()
    wait_for_head(page, data, two)
    tab.go_back()
    tab.go_back()
    page.wait(f"named('selection_text').text === {start!r}")
    tab.go_forward()
    wait_for_head(page, data, one)
    tab.reload()
    tab.wait_for_selector("html[data-ready]")
    wait_for_head(page, data, one)
    tab.go_back()  # to what was shown before the reload
    tab.wait_for_selector("html[data-ready]")
    page.wait(f"named('selection_text').text === {start!r}")


@pytest.mark.parametrize(
    ("undo", "redo"), [("Control+z", "Control+y"), ("Meta+z", "Meta+Shift+z"), ("z", "y")]
)
def test_keys_of_editors_undo_and_redo(page, undo, redo):
    buttons = {name: page.page.get_by_role("button", name=name) for name in ("Undo", "Redo")}
    assert all(button.is_disabled() for button in buttons.values())
    assert page.page.get_by_role("button", name="Clear brush").is_disabled()
    page.page.keyboard.press("ArrowDown")
    page.wait("named('undo').disabled === false")
    shown = page.value("selection_text", "text")
    page.page.keyboard.press(undo)
    page.wait(f"named('redo').disabled === false && named('selection_text').text !== {shown!r}")
    assert buttons["Undo"].is_disabled()
    page.page.keyboard.press(redo)
    page.wait(f"named('selection_text').text === {shown!r}")
    assert buttons["Redo"].is_disabled()


def test_a_drag_is_one_entry_of_the_history(page, data):
    before = page.page.evaluate("history.length")
    low, high = np.quantile(data.store.read("image_embedding").astype(float), [0.2, 0.8], axis=0)
    page.drag("images_plot", tuple(low), tuple(high))
    page.wait("named('brushed_text').text.startsWith('brushed')")
    page.page.wait_for_function("location.search.includes('brush=')")
    assert page.page.evaluate("history.length") == before + 1
    page.page.go_back()
    page.wait("named('brushed_text').text.startsWith('nothing')")
