"""The density against NumPy's histogram, on canvases small enough to know every pixel."""

import numpy as np
import pytest

from headbrush.server.views.patterns.density import COUNT, Colouring, draw

SQUARE = (0.0, 1.0, 0.0, 1.0)
CORNERS = np.array([[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]], "f4")


def render(*asked, **options):
    return draw(*asked, **options).rgba()


def alpha(image):
    return image >> 24


def test_pixels_with_points_are_those_of_a_histogram():
    points = np.random.default_rng(0).random((300, 2)).astype("f4")
    expected, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=40, range=[[0, 1], [0, 1]])
    found = alpha(render(points, SQUARE, (40, 40))) > 0
    assert (expected > 0).mean() > 0.15  # dense enough that nothing is spread
    np.testing.assert_array_equal(found, expected > 0)


def test_first_row_is_at_the_bottom():
    found = alpha(render(CORNERS, SQUARE, (2, 2))) > 0
    assert found.tolist() == [[True, True], [False, True]]


def test_more_points_are_drawn_darker():
    points = np.repeat(CORNERS, [50, 5, 1], axis=0)
    image = render(points, SQUARE, (2, 2))
    brightness = [int(image[row, column]) & 0xFF for row, column in ((0, 0), (0, 1), (1, 1))]
    assert brightness[0] < brightness[1] < brightness[2]


def test_each_category_has_its_colour():
    kinds = Colouring(np.array([0, 1, 1]), ("#ff0000", "#0000ff"))
    image = render(CORNERS, SQUARE, (2, 2), kinds, flat=True)
    red, blue = image[0, 0] & 0xFFFFFF, image[0, 1] & 0xFFFFFF
    assert (red, blue) == (0x0000FF, 0xFF0000)  # RGBA, red in the lowest byte
    assert image[1, 1] & 0xFFFFFF == blue


def test_values_are_coloured_by_their_mean_within_the_span():
    low, high = (
        render(CORNERS, SQUARE, (2, 2), Colouring(values=np.full(3, value), span=(0, 1)))[0, 0]
        for value in (0.0, 1.0)
    )
    assert low != high


def test_a_mask_of_all_is_no_mask():
    for colouring in (COUNT, Colouring(np.array([0, 1, 1]), ("#ff0000", "#0000ff"))):
        np.testing.assert_array_equal(
            render(CORNERS, SQUARE, (2, 2), colouring, np.ones(3, bool)),
            render(CORNERS, SQUARE, (2, 2), colouring),
        )


def test_masked_points_lie_in_colour_over_grey():
    kinds = Colouring(np.array([0, 0, 0]), ("#ff0000",))
    image = render(CORNERS, SQUARE, (2, 2), kinds, np.array([True, False, False]), flat=True)
    assert image[0, 0] & 0xFFFFFF == 0x0000FF
    assert image[0, 1] & 0xFFFFFF == 0x988F8A
    assert alpha(image)[1, 0] == 0


@pytest.mark.parametrize("points", [np.zeros((0, 2), "f4"), np.full((4, 2), np.nan, "f4")])
@pytest.mark.parametrize("size", [(1, 1), (3, 2)])
def test_nothing_to_draw_is_a_clear_image(points, size):
    for mask in (None, np.zeros(len(points), bool)):
        for colouring in (COUNT, Colouring(np.zeros(len(points), int), ("#ff0000",))):
            image = render(points, SQUARE, size, colouring, mask)
            assert image.shape == size[::-1]
            assert not alpha(image).any()


def test_points_outside_the_range_are_not_drawn():
    assert not alpha(render(CORNERS, (2, 3, 2, 3), (4, 4))).any()


def test_a_picture_of_few_colours_is_a_byte_a_pixel_and_its_palette_says_the_same():
    points = np.random.default_rng(0).normal(0.5, 0.2, (5000, 2)).astype("f4")
    mask = points[:, 0] < 0.5
    for colouring in (COUNT, Colouring(values=points[:, 1])):
        picture = draw(points, SQUARE, (60, 50), colouring, mask)
        assert picture.pixels.dtype == np.uint8
        assert set(picture.pixels.ravel()) >= {0, 1}  # nothing, and points that are not brushed
        palette = [tuple(bytes.fromhex(colour[1:])) for colour in picture.palette()]
        channels = np.array(palette)[picture.pixels]  # red, green, blue, alpha
        expected = picture.rgba().view(np.uint8).reshape(channels.shape)
        np.testing.assert_array_equal(channels, expected)


def test_colours_that_mix_are_sent_as_they_are():
    picture = draw(CORNERS, SQUARE, (2, 2), Colouring(np.array([0, 1, 1]), ("#ff0000", "#0000ff")))
    assert picture.pixels.dtype == np.uint32
    assert not picture.palette()
