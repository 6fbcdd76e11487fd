"""The documentation says what the code does."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from docs.store_tables import PAGE, with_table
from headbrush.analysis.store.attention_file import MAX_RELATIVE_ERROR
from headbrush.analysis.store.schema import METRICS, REQUIRED_ATTRIBUTES, SCHEMA_VERSION
from headbrush.analysis.store.store import Store
from tests.stores import make_store, values
from tests.test_boundaries import ORDER

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"\]\(([^)#\s]+)(?:#([\w-]+))?\)")


@pytest.fixture(scope="module")
def store_page() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_the_table_of_variables_is_that_of_the_schema(store_page):
    assert with_table(store_page) == store_page, "run: python docs/store_tables.py"
    assert "| `importance` | metric, image, layer, head | float32 |" in store_page


def test_the_page_names_every_attribute_metric_and_bound(store_page):
    words = set(re.findall(r"`(\w+)`", store_page))
    assert set(REQUIRED_ATTRIBUTES) <= words
    assert set(METRICS) <= words
    assert f"schema version {SCHEMA_VERSION}" in store_page
    assert MAX_RELATIVE_ERROR == 2.0**-8


def test_the_snippet_opens_a_store_with_xarray_only(store_page, tmp_path):
    path = make_store(tmp_path / "my.headbrush")
    snippet = re.search(r"```python\n(.*?)```", store_page, re.DOTALL)[1]
    assert "headbrush." not in re.sub(r'"my\.headbrush/[^"]*"', "", snippet)
    names: dict[str, object] = {}
    exec(snippet.replace("my.headbrush", str(path)), names)
    mean = values()["importance"][METRICS.index("jsd")].mean(0)
    layer, head = np.unravel_index(mean.argmax(), mean.shape)
    assert (names["layer"], names["head"]) == (layer, head)
    image = int(Store(path).kept_images[0])
    np.testing.assert_array_equal(names["attention"], Store(path).attention(image, layer, head))
    assert names["name"] == values()["name"][image]
    names["summary"].close()
    names["matrices"].close()


@pytest.mark.parametrize(
    "page",
    sorted(p.relative_to(ROOT).as_posix() for p in (*ROOT.glob("*.md"), *ROOT.glob("d*/*.md"))),
)
def test_links_lead_to_files_of_the_repository(page):
    for target, _ in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


def test_the_plan_of_the_house_names_every_folder_of_the_import_order():
    plan = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in ORDER:
        folder = name.removeprefix("headbrush.").replace(".", "/")
        assert f"`{folder}/`" in plan
    for path in re.findall(r"`((?:analysis|server|tests|docs|benchmarks)/[\w/.]*)`", plan):
        assert (ROOT / path).exists(), path


@pytest.mark.skipif(find_spec("pdoc") is None, reason="the extra docs is not installed")
def test_the_api_reference_builds_without_a_warning(tmp_path):
    recipe = re.search(r"^API = (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    command = [sys.executable, "-W", "error", "-m", "pdoc", "--docformat", "numpy"]
    subprocess.run([*command, "-o", tmp_path, *recipe.split()], cwd=ROOT, check=True)
    page = (tmp_path / "headbrush.html").read_text(encoding="utf-8")
    assert "Analyze a vision transformer on images and write a store." in page


FILES = {
    path.relative_to(ROOT).as_posix()
    for folder in ("analysis", "benchmarks", "docs", "headbrush", "server", "tests")
    for path in (ROOT / folder).rglob("*.*")
}


@pytest.mark.parametrize("page", sorted(p.name for p in ROOT.glob("design_notes/*.md")))
def test_design_notes_name_files_that_exist(page):
    words = re.findall(r"`([\w/]+\.(?:py|js|css))`", (ROOT / "design_notes" / page).read_text())
    for word in words:
        if word != "autoload.js":  # Bokeh's
            assert any(f"/{path}".endswith(f"/{word}") for path in FILES), word
