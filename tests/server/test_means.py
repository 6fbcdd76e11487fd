"""Means and deviations in one pass, also on several cores, are those of numpy."""

from unittest.mock import patch

import numpy as np
import pytest

from headbrush.server.tools.loops import in_parts as parts
from headbrush.server.tools.loops.means import mean_and_deviation


@pytest.fixture(params=[1, 3], ids=["one part", "three parts"])
def split(request):
    with patch.multiple(parts, _LEAST=1, _CORES=request.param):
        yield


@pytest.mark.usefixtures("split")
@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("offset", [0, 1000])
def test_means_over_brushed_images(kind, offset):
    rng = np.random.default_rng(0)
    values = (offset + rng.normal(size=(50, 7)) * 10.0 ** rng.integers(-3, 2, 7)).astype(kind)
    images = rng.random(50) < 0.4
    for chosen, rows in ((None, values), (images, values[images])):
        mean, spread = mean_and_deviation(values, chosen)
        np.testing.assert_allclose(mean, rows.mean(0, float), rtol=1e-12)
        np.testing.assert_allclose(spread, rows.std(0, float), rtol=1e-9)


@pytest.mark.usefixtures("split")
def test_images_without_values_do_not_count_and_missing_heads_stay_missing():
    values = np.array([[1, np.nan], [np.nan, np.nan], [3, np.nan]], "f4")
    mean, spread = mean_and_deviation(values)
    np.testing.assert_array_equal(mean, [2, np.nan])
    np.testing.assert_array_equal(spread, [1, np.nan])


@pytest.mark.parametrize("images", [np.zeros(3, bool), None])
def test_no_image_has_no_mean(images):
    values = np.full((3, 2), np.nan if images is None else 1, "f4")
    assert np.isnan(mean_and_deviation(values, images)).all()
    assert np.isnan(mean_and_deviation(values[:0])).all()


def test_a_single_image_has_no_deviation():
    mean, spread = mean_and_deviation(np.array([[0.1, 3e5]], "f4"))
    np.testing.assert_array_equal(mean, np.array([0.1, 3e5], "f4").astype(float))
    np.testing.assert_array_equal(spread, [0, 0])


@pytest.mark.parametrize("count", [0, 1, 5, 1000])
@pytest.mark.parametrize("cores", [1, 2, 7])
def test_parts_cover_all_once_and_in_order(count, cores):
    with patch.multiple(parts, _LEAST=3, _CORES=cores):
        found = parts.in_parts(lambda begin, end: list(range(begin, end)), count)
    assert [one for part in found for one in part] == list(range(count))
    assert len(found) <= cores
