"""Image folders: classes, choice, safe decoding."""

import os

import numpy as np
import pytest
from PIL import Image

from headbrush.analysis.images.choosing import choose, spread
from headbrush.analysis.images.decoding import ImageError, load_image
from headbrush.analysis.images.labelling import find_images
from headbrush.analysis.images.labels.class_list import ClassError, ClassList
from headbrush.analysis.images.reading_check import drop_unreadable, write_skipped
from headbrush.analysis.images.thumbnails import thumbnails

IMAGENET = ClassList(("n01", "n02"), ("tench, Tinca tinca", "great white shark, white shark"))


def fill(folder, names, size=(6, 4)):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (200, 10, 30)).save(folder / name)
    return folder


@pytest.mark.parametrize("folder", ["n02", "white_shark", "Great white shark", "1"])
def test_class_folders_are_ids_names_or_integers(tmp_path, folder):
    images = find_images(fill(tmp_path, [f"{folder}/a.png"]), IMAGENET)
    assert images.labels.tolist() == [1]
    assert images.has_labels


def test_an_integer_beyond_the_outputs_is_no_class(tmp_path):
    with pytest.raises(ClassError, match=r"class folder '2' .* --classes"):
        find_images(fill(tmp_path, ["2/a.png"]), IMAGENET)


def test_a_flat_folder_has_no_labels(tmp_path):
    images = find_images(fill(tmp_path, ["b.png", "a.JPG", ".hidden.png"]), IMAGENET)
    assert images.names == ("a.JPG", "b.png")
    assert images.labels.tolist() == [-1, -1]
    assert not images.has_labels


def test_without_model_classes_the_folders_are_the_classes(tmp_path):
    images = find_images(fill(tmp_path, ["x/1.png", "y/1.png", "y/2.png"]), ClassList())
    assert images.class_names == ("x", "y")
    assert images.labels.tolist() == [0, 1, 1]


def test_a_class_file_overrides_folders_and_names(tmp_path):
    fill(tmp_path / "images", ["odd/1.png", "even/1.png"])
    table = tmp_path / "classes.csv"
    table.write_text("folder,index,name\nodd,1,Odd one\neven,0,Even one\n")
    images = find_images(tmp_path / "images", IMAGENET, table)
    assert images.names == ("even/1.png", "odd/1.png")
    assert images.labels.tolist() == [0, 1]
    assert images.class_names == ("Even one", "Odd one")
    table.write_text("folder,index,name\nodd,7,Odd one\neven,0,\n")
    with pytest.raises(ClassError, match="line 2: the index 7 is none of the model's 2 outputs"):
        find_images(tmp_path / "images", IMAGENET, table)


@pytest.mark.parametrize(
    ("make", "message"),
    [(lambda p: p / "none", "no such folder"), (lambda p: p, "no images in it")],
)
def test_folders_without_images_are_refused(tmp_path, make, message):
    with pytest.raises(ImageError, match=message):
        find_images(make(tmp_path), IMAGENET)


def test_choice_takes_the_classes_in_turn(tmp_path):
    names = [f"{c}/{i}.png" for c, n in (("0", 5), ("1", 2)) for i in range(n)]
    images = find_images(fill(tmp_path, names), IMAGENET)
    assert choose(images, None, 3).names == ("0/0.png", "0/1.png", "0/2.png", "1/0.png", "1/1.png")
    assert choose(images, 3, None).names == ("0/0.png", "0/1.png", "1/0.png")
    assert spread(images.labels, 4).tolist() == [0, 1, 5, 6]
    assert spread(images.labels, 99).tolist() == list(range(7))
    assert spread(images.labels, 0).tolist() == []


def test_unreadable_images_are_listed_with_the_reason(tmp_path):
    fill(tmp_path, ["a.png", "b.png", "c.png"])
    (tmp_path / "b.png").write_bytes(b"")
    data = (tmp_path / "c.png").read_bytes()
    (tmp_path / "c.png").write_bytes(data[: len(data) // 2])
    images = drop_unreadable(find_images(tmp_path, IMAGENET))
    assert images.names == ("a.png",)
    assert [name for name, _ in images.skipped] == ["b.png", "c.png"]
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(ImageError, match="none of its 3 images can be read"):
        drop_unreadable(find_images(tmp_path, IMAGENET))


def test_a_name_that_is_not_utf8_is_skipped_and_shown_escaped(tmp_path):
    fill(tmp_path, ["a.png"])
    (tmp_path / "a.png").rename(os.fsdecode(os.fsencode(tmp_path) + b"/bad-\xff.png"))
    fill(tmp_path, ["b.png"])
    images = drop_unreadable(find_images(tmp_path, IMAGENET))
    assert images.names == ("b.png",)
    assert images.skipped == (("bad-\udcff.png", "its name is not UTF-8"),)
    write_skipped(tmp_path, images.skipped)
    assert (tmp_path / "skipped.csv").read_text() == (
        "name,reason\nbad-\\udcff.png,its name is not UTF-8\n"
    )


def test_a_class_file_in_another_encoding_is_refused(tmp_path):
    fill(tmp_path / "images", ["odd/1.png"])
    (tmp_path / "classes.csv").write_bytes("folder,index,name\nodd,0,Öl\n".encode("latin-1"))
    with pytest.raises(ClassError, match="not text in UTF-8"):
        find_images(tmp_path / "images", IMAGENET, tmp_path / "classes.csv")


def test_what_is_no_image_and_empty_class_folders_are_listed(tmp_path):
    fill(tmp_path, ["0/a.png", "0/deep/b.png"])
    (tmp_path / "0" / "notes.txt").write_text("mine")
    (tmp_path / "1").mkdir()
    (tmp_path / "0" / "gone.png").symlink_to(tmp_path / "nothing")
    images = find_images(tmp_path, IMAGENET)
    assert images.names == ("0/a.png", "0/deep/b.png")
    assert dict(images.skipped) == {
        "0/gone.png": "broken link",
        "0/notes.txt": "not an image file",
        "1/": "folder without images",
    }


def test_equal_names_in_several_classes_stay_apart(tmp_path):
    images = find_images(fill(tmp_path, ["0/a.png", "1/a.png", "1/a.jpg"]), IMAGENET)
    assert images.names == ("0/a.png", "1/a.jpg", "1/a.png")
    assert images.labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "I;16", "F"])
def test_odd_modes_become_the_model_s_input(tmp_path, mode):
    grey = Image.new("L", (9, 7), 200)
    picture = Image.new(mode, (9, 7), 1) if mode in ("I;16", "F") else grey.convert(mode)
    ending = "tif" if mode in ("CMYK", "PA", "I;16", "F") else "png"
    if mode in ("YCbCr", "PA"):
        picture = picture.convert("RGB")
    picture.save(tmp_path / f"a.{ending}")
    loaded = load_image(tmp_path / f"a.{ending}").convert("RGB")
    assert loaded.size == (9, 7)
    if mode not in ("I;16", "F"):
        expected = 255 if mode == "1" else 200
        assert abs(int(np.asarray(loaded)[3, 3, 0]) - expected) <= 2


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    fill(tmp_path, ["big.png"], (100, 100))
    for limit in (9_000, 4_000):  # Pillow warns above the limit and fails above twice the limit
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(ImageError, match="too many pixels"):
            load_image(tmp_path / "big.png")


def test_sixteen_bit_grey_keeps_its_tones(tmp_path):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    loaded = np.asarray(load_image(tmp_path / "deep.png").convert("L")).astype(int)
    np.testing.assert_allclose(loaded, ramp / 257, atol=1)


def test_thumbnails_undo_the_normalisation_and_are_bounded():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1)).astype(np.uint8)
    batch = ((pixels / 255 - 0.3) / 0.4).transpose(0, 3, 1, 2).astype("f4")
    small = thumbnails(batch, (0.3,), (0.4,))
    np.testing.assert_array_equal(small, np.repeat(pixels, 3, axis=3))
    assert thumbnails(np.zeros((1, 3, 224, 112), "f4"), (0,) * 3, (1,) * 3).shape == (1, 96, 48, 3)
