"""What axe-core, a checker for people who do not see or point, finds wrong with a page."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"


def findings(page: Page) -> list[str]:
    """Serious and critical findings, one line each, also in the shadow roots of Bokeh.

    Skips the test where ``make lint-js`` could not install axe-core.
    """
    if not SCRIPT.exists():
        pytest.skip("node_modules has no axe-core: npm ci installs it")
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))  # a page's policy refuses script tags
    found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
    return [
        f"{one['id']}: {node['html'][:120]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
