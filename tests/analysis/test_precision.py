"""Pruning in a coarser arithmetic: near float32, its error said; refused where it is no gain."""

from unittest.mock import patch

import numpy as np
import pytest
import torch
from rich.console import Console
from scipy import stats
from torch import nn

from headbrush.analysis.measures.importance import leave_one_out
from headbrush.analysis.model.tracing import trace
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.preflight.prepare import preflight
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.stages import precision
from headbrush.analysis.run.stages.precision import at_precision, demand_precision
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.schema import PRUNING_METRICS
from headbrush.analysis.store.store import Store
from tests.analysis import families
from tests.models import save_images, save_tiny_model

QUIET = Console(quiet=True)
ROUNDING = 2.0**-8


@pytest.fixture
def has_bf16():
    """Any processor computes in it, though not all of them quickly."""
    with patch.object(precision, "product_seconds", lambda dtype, _device: dtype.itemsize):
        yield


@pytest.mark.usefixtures("has_bf16")
@pytest.mark.parametrize("name", families.FAMILIES)
def test_bf16_is_near_float32_and_leaves_the_model_as_it_was(name):
    model = families.make(name)
    images = families.pictures(model, 2)
    exact = leave_one_out(model, trace(model, images), None)
    demand_precision(model, "bf16")
    with at_precision(model, "bf16") as coarse:
        assert coarse.dtype == torch.bfloat16
        found = leave_one_out(coarse, trace(coarse, images.bfloat16()), None)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(exact))
    error = abs(np.nan_to_num(found - exact)).max((1, 2, 3, 4))
    assert (error < 2 * ROUNDING).all(), error
    assert error.any()
    assert model.dtype == torch.float32
    np.testing.assert_array_equal(leave_one_out(model, trace(model, images), None), exact)


def request(folder, out, **options):
    return Request(images=folder / "images", out=out, model=str(folder / "model"), **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("inputs")
    save_tiny_model(made / "model")
    save_images(made / "images")
    return made


@pytest.mark.usefixtures("has_bf16")
def test_the_store_says_what_the_error_is(folder, tmp_path):
    stores = [
        Store(analyze(request(folder, tmp_path / f"{one}.headbrush", precision=one, attention=0),
                      StageProgress(QUIET)))
        for one in ("float32", "bf16")
    ]  # fmt: skip
    assert "precision" not in stores[0].attrs
    exact, coarse = (
        store.read("importance")[PRUNING_METRICS.index("jsd")].astype(float) for store in stores
    )
    attrs = stores[1].attrs
    count = attrs["precision_images"]
    some = np.linspace(0, len(exact) - 1, count).astype(int)
    means = exact[some].mean(0).ravel(), coarse[some].mean(0).ravel()
    assert attrs["precision"] == "bf16"
    assert attrs["precision_error"] == pytest.approx(
        abs(exact[some] - coarse[some]).max(), rel=1e-3
    )
    assert attrs["precision_ranks"] == pytest.approx(stats.spearmanr(*means)[0], abs=0.05)
    assert f"pruned in bf16: in {count} images its JSD" in attrs["notes"]
    for name in ("strength", "probability"):
        np.testing.assert_array_equal(stores[0].read(name), stores[1].read(name))


class Strict(nn.Linear):
    """Refuses what is not float32, as a part with tables of its own does."""

    def forward(self, values):
        if values.dtype != torch.float32:
            raise RuntimeError("expected scalar type Float\nwith a trace below")
        return super().forward(values)


@pytest.mark.parametrize(
    ("wanted", "seconds", "strict", "words"),
    [
        ("tf32", {}, False, "tf32: cpu does not have it, but CUDA from Ampere on; choose bf16"),
        ("bf16", {4: 1.0, 2: 2.5}, False, "would take 2.5 times as long; leave --precision out"),
        ("bf16", {4: 2.0, 2: 1.0}, True, "does not run in it (expected scalar type Float); leave"),
    ],
)
def test_what_is_no_gain_or_does_not_run_is_refused_before_computing(
    wanted, seconds, strict, words
):
    model = families.make("vit")
    if strict:
        head = model.module.head
        model.module.head = Strict(head.in_features, head.out_features)
    with (
        patch.object(precision, "product_seconds", lambda dtype, _device: seconds[dtype.itemsize]),
        pytest.raises(InputError) as refused,
    ):
        demand_precision(model, wanted)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.usefixtures("has_bf16")
def test_the_preflight_says_it_and_refuses_it(folder, tmp_path):
    plan = preflight(
        request(folder, tmp_path / "s.headbrush", precision="bf16"), StageProgress(QUIET)
    )
    assert "pruned in bf16" in repr(plan)
    with pytest.raises(InputError, match="tf32: cpu does not have it"):
        preflight(request(folder, tmp_path / "s.headbrush", precision="tf32"), StageProgress(QUIET))
