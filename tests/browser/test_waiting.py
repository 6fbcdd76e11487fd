"""What is faint while the model computes is clear again when it has answered."""

from headbrush.analysis.store.store import Store
from tests.browser.conftest import MODEL_S, HeadbrushPage, serving

OPACITY = """() => ["matrix_plot", "axes_plot", "threshold_plot", "context_from"].map(name => {
  const plot = Bokeh.documents[0].get_model_by_name(name)
  return Number(getComputedStyle(Bokeh.index.find_one(plot).el).opacity)
})"""


def test_a_matrix_is_faint_only_while_the_model_computes(browser, store_path):
    store = Store(store_path)
    missing = next(i for i in range(store.sizes["image"]) if i not in store.kept_images)
    with serving(store_path) as url, browser.new_context() as context:
        page = HeadbrushPage(context.new_page(), f"{url}?image={missing}")
        page.page.wait_for_function(f"({OPACITY})().every(one => one < 1)")  # the model loads
        page.wait("named('matrix_note').text.includes('live, computed by the model')", MODEL_S)
        page.page.wait_for_function(f"({OPACITY})().every(one => one == 1)", timeout=5000)
        assert page.faults == []
