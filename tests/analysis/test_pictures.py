"""Pictures as people have them: what is listed, what is decoded, and on which scale."""

import os
import resource
import struct
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from timm.data.transforms_factory import create_transform

from headbrush.analysis.images.decoding import ImageError, load_image
from headbrush.analysis.images.folder import list_images
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.reading.extreme_shapes import bounded, center_crop, resized
from headbrush.analysis.images.reading.rules import Reading, reading_from
from headbrush.analysis.images.reading_check import drop_unreadable

GREY = Image.new("L", (9, 7), 200)
RAMP = np.linspace(0, 1, 63).reshape(7, 9)


def put(path: Path, picture: Image.Image = GREY, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **options)
    return path


def checked(folder: Path, reading: Reading | None = None) -> ImageSet:
    images = list_images(folder)
    if reading is not None:
        images = ImageSet(folder, images.names, images.labels, (), reading=reading)
    return drop_unreadable(images)


def rgb(images: ImageSet, index: int) -> np.ndarray:
    picture = images.load(index)
    assert isinstance(picture, Image.Image)
    return np.asarray(picture.convert("RGB")).astype(int)


def pixels(images: ImageSet, index: int) -> np.ndarray:
    return rgb(images, index)[..., 0]


def timm_transform(channels: int, height: int, width: int, **options: Any) -> Any:
    return create_transform((channels, height, width), **options)


# name -> (link, its target, both from the folder "root"; what is listed; why it is skipped)
LINKS = {
    "class folder elsewhere": ("b", "../away/b", ["a/1.png", "b/2.png"], None),
    "folder deep in a class": ("a/deep", "../../away/b", ["a/1.png", "a/deep/2.png"], None),
    "image elsewhere": ("a/2.png", "../../away/b/2.png", ["a/1.png", "a/2.png"], None),
    "image of the same folder": ("a/2.png", "1.png", ["a/1.png", "a/2.png"], None),
    "folder itself": ("a/loop", ".", ["a/1.png"], "listed already"),
    "folder above": ("a/loop", "..", ["a/1.png"], "listed already"),
    "another class": ("b", "a", ["a/1.png"], "listed already"),
    "parent of all": ("b", "..", ["a/1.png"], "around this one"),
    "root of the disk": ("b", "/", ["a/1.png"], "around this one"),
    "broken": ("a/2.png", "nothing.png", ["a/1.png"], "broken link"),
    "broken folder": ("b", "nothing", ["a/1.png"], "broken link"),
    "link to itself": ("a/2.png", "2.png", ["a/1.png"], "broken link"),
}


@pytest.mark.parametrize("kind", LINKS)
def test_links_are_followed_once_and_end(tmp_path, kind):
    link, target, listed, reason = LINKS[kind]
    put(tmp_path / "root/a/1.png")
    put(tmp_path / "away/b/2.png")
    (tmp_path / "root" / link).symlink_to(target)
    images = list_images(tmp_path / "root")
    assert list(images.names) == listed
    assert [name.rstrip("/") for name, _ in images.skipped] == ([link] if reason else [])
    assert reason is None or reason in images.skipped[0][1]


def test_the_folder_itself_may_be_a_link_and_a_file_have_two_names(tmp_path):
    first = put(tmp_path / "real/a/1.png")
    (tmp_path / "real/a/2.png").hardlink_to(first)
    (tmp_path / "link").symlink_to("real")
    assert list_images(tmp_path / "link").names == ("a/1.png", "a/2.png")


def test_a_pair_of_linked_folders_that_link_to_each_other_ends(tmp_path):
    for one, other in (("x", "y"), ("y", "x")):
        put(tmp_path / f"away/{one}/1.png")
        (tmp_path / f"away/{one}/on").symlink_to(f"../{other}")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/x").symlink_to("../away/x")
    images = list_images(tmp_path / "root")
    assert images.names == ("x/1.png", "x/on/1.png")


IGNORED = (
    "Thumbs.db", "a/.DS_Store", "a/._1.jpg", "@eaDir/1.jpg", "a/@eaDir/1.jpg/SYNOPHOTO_M.jpg",
    "__MACOSX/a/._1.png", "__MACOSX/a/1.png", ".ipynb_checkpoints/1-checkpoint.png",
    "#recycle/1.png", "$RECYCLE.BIN/1.png", "a/~$notes.docx", "a/desktop.ini", "a/Icon\r",
    "lost+found/1.png", "System Volume Information/1.png", ".Trash-1000/files/1.png",
    ".git/1.png", "a/.~lock.1.png#", "__pycache__/1.png",
    "@__thumb/1.png", "@tmp/1.png", "CVS/1.png", "FOUND.000/1.png", "node_modules/x/1.png",
)  # fmt: skip
SKIPPED = {
    "a/1.xmp": "not an image file",
    "a/1.jpg.part": "not finished",
    "a/1.jpg.crdownload": "not finished",
    "a/1 (Anna's conflicted copy 2024-05-01).png": "conflict copy",
    "a/1.sync-conflict-20240501-101010-ABC.png": "conflict copy",
    "a/1.heic": "convert it to PNG or JPEG",
    "a/1.DCM": "convert it to PNG or JPEG",
    "README": "not an image file",
}


@pytest.mark.parametrize("name", IGNORED)
def test_what_systems_leave_is_ignored(tmp_path, name):
    put(tmp_path / "a/1.png")
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes((tmp_path / "a/1.png").read_bytes())
    images = list_images(tmp_path)
    assert images.names == ("a/1.png",)
    assert images.skipped == ()


@pytest.mark.parametrize("name", SKIPPED)
def test_what_is_no_picture_is_listed_as_skipped(tmp_path, name):
    put(tmp_path / "a/1.png")
    (tmp_path / name).write_bytes(b"text")
    images = list_images(tmp_path)
    assert images.names == ("a/1.png",)
    ((skipped, reason),) = images.skipped
    assert skipped == name
    assert SKIPPED[name] in reason


@pytest.mark.parametrize(
    "name",
    ["-rf.png", "a\nb.png", "é.png", "e\u0301.png", "x" * 251 + ".png", "a'\"$;.png", "UP.JPG",
     "no_ending", "a..b.png", "wrong.bmp", " .png", "日本.png"],
)  # fmt: skip
def test_any_name_of_a_file_is_fine(tmp_path, name):
    put(tmp_path / "1.png").rename(tmp_path / name)
    images = checked(tmp_path)
    assert images.names == (name,)
    assert (pixels(images, 0) == 200).all()


def test_of_two_links_to_a_folder_the_first_by_name_is_followed(tmp_path):
    put(tmp_path / "away/1.png")
    (tmp_path / "root").mkdir()
    for name in ("b", "c"):
        (tmp_path / "root" / name).symlink_to("../away")
    images = list_images(tmp_path / "root")
    assert images.names == ("b/1.png",)
    assert images.skipped == (("c/", "a link to a folder that is listed already"),)


def test_a_file_in_place_of_a_folder_is_one_line(tmp_path):
    with pytest.raises(ImageError, match=r"1\.png: a file; expected a folder of images\.$"):
        list_images(put(tmp_path / "1.png"))


def test_a_pipe_is_no_image_and_waits_for_nobody(tmp_path):
    put(tmp_path / "1.png")
    os.mkfifo(tmp_path / "2.png")
    assert list_images(tmp_path).skipped == (("2.png", "not a regular file"),)


# name -> (pictures as arrays of one run, what each of them must become)
DEPTHS = {
    "12 bit": ([RAMP * 4095, RAMP * 2000], np.uint16, [RAMP * 255, RAMP * 2000 / 4095 * 255]),
    "16 bit": ([RAMP * 65535, RAMP * 4095], np.uint16, [RAMP * 255, RAMP * 4095 / 257]),
    "8 bit in 16": ([RAMP * 255, RAMP * 9], np.uint16, [RAMP * 255, RAMP * 9]),
    "32 bit": ([RAMP * 1e6, RAMP * 65535], np.int32, [RAMP * 255, RAMP * 65535 / 1e6 * 255]),
    "signed": ([RAMP * 2000 - 1000, RAMP * 0], np.int32, [RAMP * 255, RAMP * 0 + 127.5]),
    "0 to 1": ([RAMP, RAMP / 4], np.float32, [RAMP * 255, RAMP / 4 * 255]),
    "any float": ([RAMP * 80, RAMP * 20 - 20], np.float32,
                  [(RAMP * 80 + 20) * 2.55, RAMP * 20 * 2.55]),
    "equal": ([RAMP * 0 + 7.0], np.float32, [RAMP * 0]),
}  # fmt: skip


@pytest.mark.parametrize("kind", DEPTHS)
def test_deep_pictures_have_one_scale_a_run_which_is_said_and_stored(tmp_path, kind):
    values, dtype, expected = DEPTHS[kind]
    for index, one in enumerate(values):
        put(tmp_path / f"{index}.tif", Image.fromarray(one.astype(dtype)))
    images = checked(tmp_path)
    for index, wanted in enumerate(expected):
        np.testing.assert_allclose(pixels(images, index), wanted, atol=1)
    assert "the same scale for all" in images.notes[0]
    assert reading_from(images.reading.as_json(), 10**9) == images.reading


def test_the_scale_is_that_of_the_deep_pictures_alone(tmp_path):
    put(tmp_path / "0.png", Image.fromarray((RAMP * 4095).astype(np.uint16)))
    put(tmp_path / "1.png", GREY)
    images = checked(tmp_path)
    np.testing.assert_allclose(pixels(images, 0), RAMP * 255, atol=1)
    assert (pixels(images, 1) == 200).all()
    assert images.notes[0].startswith("1 image has more than 8 bits: values 0 to 4095 become 0 to")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_skipped_with_the_reason(tmp_path, bad):
    put(tmp_path / "0.tif", Image.fromarray(np.where(RAMP > 0.9, bad, RAMP).astype("f4")))
    put(tmp_path / "1.tif", Image.fromarray(RAMP.astype("f4")))
    images = checked(tmp_path)
    assert images.names == ("1.tif",)
    assert "NaN or infinite" in images.skipped[0][1]


SAMPLE_FORMAT, PHOTOMETRIC = 339, 262


def put_tiff(path: Path, values: np.ndarray, tag: int, value: int) -> None:
    """Write a TIFF file whose tag, a short, has another value."""
    put(path, Image.fromarray(values), tiffinfo={SAMPLE_FORMAT: 1})
    data = bytearray(path.read_bytes())
    place = data.index(struct.pack("<HHI", tag, 3, 1)) + 8
    data[place : place + 2] = struct.pack("<H", value)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("values", "sample_format", "words"),
    [(RAMP * 255, 2, "signed 8 bits"), (RAMP * 2**32, 1, "makes negative"), (RAMP * 9e8, 1, None)],
)
def test_values_that_pillow_wraps_round_are_skipped(tmp_path, values, sample_format, words):
    dtype = "u1" if sample_format == 2 else "u4"
    data = values.clip(0, 2**32 - 1).astype(dtype).view("i4" if dtype == "u4" else "u1")
    put_tiff(tmp_path / "1.tif", data, SAMPLE_FORMAT, sample_format)
    put(tmp_path / "2.png")
    images = checked(tmp_path)
    assert images.names == (("2.png",) if words else ("1.tif", "2.png"))
    assert words is None or words in images.skipped[0][1]


def test_a_deep_picture_whose_zero_is_white_is_said(tmp_path):
    put_tiff(tmp_path / "1.tif", (RAMP * 65535).astype("u2"), PHOTOMETRIC, 0)
    images = checked(tmp_path)
    np.testing.assert_allclose(pixels(images, 0), RAMP * 255, atol=1)
    assert "0 for white" in images.notes[1]


MODES = {
    "1": "png", "L": "png", "LA": "png", "P": "png", "RGBA": "png", "RGB": "webp", "CMYK": "tif",
    "YCbCr": "tif", "LAB": "tif", "PA": "tif", "I": "tif", "F": "tif",
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_becomes_what_pillow_makes_of_it(tmp_path, mode):
    picture = Image.linear_gradient("L").resize((32, 32)).convert("RGB")
    if mode == "PA":
        picture = picture.convert("P").convert("PA")
    elif mode == "LAB":
        picture = Image.merge("LAB", [picture.getchannel(0)] * 3)
    else:
        picture = picture.convert("L").convert(mode) if mode in "IF" else picture.convert(mode)
    path = put(tmp_path / f"1.{MODES[mode]}", picture)
    with warnings.catch_warnings(), Image.open(path) as opened:
        warnings.simplefilter("ignore")
        try:
            opened.load()
        except OSError:  # YCbCr, in some releases of Pillow
            pytest.skip("this Pillow cannot read what it has written")
        grey = mode in ("I", "F")
        wanted = np.asarray(opened)[..., None] if grey else np.asarray(opened.convert("RGB"))
        if mode == "F":  # its values are not within 0 to 1: least to largest
            wanted = wanted - wanted.min()
            wanted = wanted / wanted.max() * 255
    images = checked(tmp_path)
    assert not np.abs(rgb(images, 0) - wanted.astype(float)).max() > 1


@pytest.mark.parametrize("ending", ["avif", "jp2", "j2k", "jfif", "jpe", "apng", "dib", "pnm"])
def test_endings_that_pillow_can_read_are_images(tmp_path, ending):
    put(tmp_path / f"1.{ending}")
    images = checked(tmp_path)
    assert images.names == (f"1.{ending}",)
    np.testing.assert_allclose(pixels(images, 0), 200, atol=2)


def test_a_file_that_would_run_another_program_is_no_image(tmp_path):
    put(tmp_path / "1.eps").rename(tmp_path / "1.png")
    with pytest.raises(ImageError, match="not an image that Pillow can read"):
        load_image(tmp_path / "1.png")


@pytest.mark.parametrize("ending", ["gif", "tif", "webp", "png", "avif"])
def test_of_several_frames_the_first_is_taken_and_said(tmp_path, ending):
    frames = [Image.new("RGB", (8, 8), (value, 0, 0)) for value in (250, 100, 10)]
    put(tmp_path / f"1.{ending}", frames[0], save_all=True, append_images=frames[1:])
    images = checked(tmp_path)
    assert abs(int(rgb(images, 0)[4, 4, 0]) - 250) < 5
    assert images.notes == ("1 image has several frames or pages: only the first is analyzed.",)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_said_and_followed_on_request(tmp_path, orientation):
    picture = Image.fromarray((RAMP * 255).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    put(tmp_path / "1.png", picture, exif=exif)
    images = checked(tmp_path)
    np.testing.assert_array_equal(pixels(images, 0), np.asarray(picture))
    assert (len(images.notes) == 1) == (orientation > 1)
    turned = pixels(checked(tmp_path, Reading(exif_rotation=True)), 0)
    values = np.asarray(picture)
    wanted = [values, values[:, ::-1], values[::-1, ::-1], values[::-1], values.T,
              np.rot90(values, -1), values[::-1, ::-1].T, np.rot90(values)]  # fmt: skip
    np.testing.assert_array_equal(turned, wanted[orientation - 1])


def test_transparent_parts_keep_their_hidden_color_and_are_said(tmp_path):
    put(tmp_path / "1.png", Image.new("RGBA", (4, 4), (9, 8, 7, 0)))
    put(tmp_path / "2.png", Image.new("RGBA", (4, 4), (9, 8, 7, 255)))
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([9, 8, 7])
    put(tmp_path / "3.png", palette, transparency=0)
    images = checked(tmp_path)
    for index in range(3):
        assert (rgb(images, index) == (9, 8, 7)).all()
    assert images.notes[0].startswith("2 images have transparent parts")


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "tif", "webp", "bmp", "avif"])
@pytest.mark.parametrize("part", [0, 0.02, 0.5])
def test_a_part_of_a_file_is_skipped_with_the_reason(tmp_path, ending, part):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    data = put(tmp_path / f"1.{ending}", Image.fromarray(noise)).read_bytes()
    (tmp_path / f"1.{ending}").write_bytes(data[: int(len(data) * part)])
    put(tmp_path / "2.png")
    images = checked(tmp_path)
    assert images.names == ("2.png",)
    assert part or images.skipped[0][1] == "an empty file"


def test_larger_pictures_are_decoded_on_request(tmp_path, monkeypatch):
    put(tmp_path / "1.png", Image.new("L", (100, 100)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3_000)
    with pytest.raises(ImageError, match="--max-megapixels"):
        load_image(tmp_path / "1.png")
    assert load_image(tmp_path / "1.png", Reading(max_pixels=10_000)).size == (100, 100)
    with pytest.raises(ImageError, match="too many pixels"):
        load_image(tmp_path / "1.png", Reading(max_pixels=9_999))
    assert Image.MAX_IMAGE_PIXELS == 3_000


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"integers": [0, 1]}', "[" * 100_000,
     '{"integers": [0, NaN], "floats": [0, 1], "exif_rotation": 0, "max_pixels": null}',
     '{"integers": [5, 5], "floats": [0, 1], "exif_rotation": 0, "max_pixels": null}'],
)  # fmt: skip
def test_rules_of_a_stranger_are_checked(text):
    with pytest.raises(ValueError, match="not rules"):
        reading_from(text, 10)


def test_a_stranger_s_rules_allow_no_more_pixels_than_this_machine():
    assert reading_from(Reading(max_pixels=10**15).as_json(), 10).max_pixels == 10


@pytest.mark.parametrize("size", [(900, 3), (3, 900), (301, 2), (2, 301), (500, 7), (1, 77)])
@pytest.mark.parametrize("side", [(16, 16), (16, 32), (32, 16)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_an_extreme_shape_gives_timm_s_own_input(size, side, interpolation):
    values = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), np.uint8)
    picture = Image.fromarray(values)
    transform = timm_transform(3, *side, interpolation=interpolation, crop_pct=0.9)
    resize, crop = transform.transforms[:2]
    whole = resize(picture)
    assert resized(resize, size) == whole.size
    cut = center_crop(picture, resize, side, most=1)
    assert cut is not None
    difference = np.asarray(cut).astype(int) - np.asarray(crop(whole))
    assert np.abs(difference).max() <= 1
    assert bounded(transform)(picture).shape == (3, *side)


@pytest.mark.parametrize("crop_mode", ["squash", "border", "center"])
def test_usual_shapes_are_transformed_by_timm(crop_mode):
    picture = Image.linear_gradient("L").convert("RGB").resize((40, 30))
    transform = timm_transform(3, 16, 16, crop_mode=crop_mode)
    assert bounded(transform)(picture).equal(transform(picture))


def test_a_line_of_pixels_takes_little_memory():
    picture = Image.new("RGB", (20_000, 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bounded(timm_transform(3, 224, 224))(picture)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB
