"""Tests speak to public faces, so that the inside of a class may change without them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PRIVATE = re.compile(r"_[A-Za-z]\w*")
IN_TEXT = re.compile(r"(?<!\bself)\.(_[A-Za-z]\w*)")
"""In the code of another process, in a script of the page, and in the target of a patch."""
_EXIT = "os._exit is a public function of Python"
_NOTEBOOK = "the method that a notebook looks for"
_MODELS = "BokehJS lists the models of a document nowhere else"
ALLOWED = {
    ("analysis/killed_runs.py", "_exit"): _EXIT,
    ("server/test_live_process.py", "_exit"): _EXIT,
    ("server/test_reading.py", "_exit"): _EXIT,
    ("browser/test_report_parts.py", "_repr_html_"): _NOTEBOOK,
    ("server/test_report.py", "_repr_html_"): _NOTEBOOK,
    ("server/test_background.py", "_repr_html_"): _NOTEBOOK,
    ("analysis/test_preflight_report.py", "_repr_html_"): _NOTEBOOK,
    ("browser/conftest.py", "_all_models"): _MODELS,
    ("browser/test_report.py", "_all_models"): _MODELS,
    ("browser/test_stores.py", "_all_models"): _MODELS,
    ("server/test_kernels.py", "_locator_classes"): "a machine where numba can keep nothing",
    ("server/test_live.py", "_PROCESS"): "the one process of this server, not yet begun",
    ("analysis/test_importance.py", "_CHUNK_BYTES"): "chunks of one image",
    ("analysis/test_weights.py", "_orig_mod"): "what torch.compile puts into names of weights",
    ("analysis/test_export.py", "_model_args"): "what a newer timm keeps of a module",
    ("analysis/test_scheduling.py", "_WAIT_SECONDS"): "a scheduler that is given up sooner",
}
"""File, name and reason."""


def private_names(source: str) -> Iterator[str]:
    """Private members of others that a file of Python names, also inside its strings."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=name):
                names = [name]
            case ast.ImportFrom():
                names = [alias.name for alias in node.names]
            case ast.Call(args=[_, ast.Constant(value=str(name)), *_]):  # setattr, patch.object
                names = [name]
            case ast.Constant(value=str(text)):
                names = IN_TEXT.findall(text)
            case _:
                continue
        yield from (name for name in names if PRIVATE.fullmatch(name))


def test_no_test_reaches_into_private_members_but_for_a_reason():
    reaching = {
        (str(path.relative_to(TESTS)), name)
        for path in TESTS.rglob("*.py")
        if path != Path(__file__)
        for name in private_names(path.read_text(encoding="utf-8"))
    }
    assert reaching == ALLOWED.keys()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("view._plot.visible", ["_plot"]),
        ("panels[0]()._note", ["_note"]),
        ("self._own + cls._own + view.__name__ + _local", []),
        ("self.view._plot", ["_plot"]),
        ("from headbrush.x import (public, _hidden)", ["_hidden"]),
        ("monkeypatch.setattr('headbrush.x._LIMIT', 2)", ["_LIMIT"]),
        ("patch.object(view, '_draw')", ["_draw"]),
        ("run('import x; x._hidden()')", ["_hidden"]),
    ],
)
def test_what_counts_as_private(source, expected):
    assert list(private_names(source)) == expected
