"""Which class is a folder? Names, numbers, class files, orders."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from timm.data import ImageNetInfo

from headbrush.analysis.images.class_folders import classes_of_folders
from headbrush.analysis.images.image_set import ImageSet
from headbrush.analysis.images.labelling import align_labels, find_images
from headbrush.analysis.images.labels.class_list import ClassError, ClassList, natural

SMALL = ClassList(("n1", "n2", "n3"), ("tench, Tinca tinca", "great white shark", "C++"))
NUMBERS = ClassList(names=tuple(map(str, range(12))))


def imagenet() -> ClassList:
    info = ImageNetInfo()
    ids = info.label_names()
    return ClassList(tuple(ids), tuple(str(info.label_name_to_description(one)) for one in ids))


def fill(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (200, 10, 30)).save(folder / name)
    return folder


def decide(tmp_path, folders, classes=SMALL, file=None, order="number"):
    """The index of each folder; ``file`` is the content of a class file."""
    path = None
    if file is not None:
        path = tmp_path / "classes"
        path.write_bytes(file if isinstance(file, bytes) else file.encode())
    counts = dict.fromkeys(folders, 1)
    decided = classes_of_folders(tmp_path, counts, classes, path, order)
    return {one.folder: one.index for one in decided.mapping}


def test_every_synset_and_every_name_of_imagenet_is_its_class():
    classes = imagenet()
    for index, (synset, name) in enumerate(zip(classes.ids, classes.names, strict=True)):
        assert classes.find(synset) == (index, "id")
        if name in ("crane", "maillot"):
            with pytest.raises(ClassError, match="may be any of 2 classes"):
                classes.find(name)
        else:
            assert classes.find(name) == (index, "name")


def test_the_first_names_of_imagenet_are_their_classes():
    classes = imagenet()
    firsts = [name.split(",")[0] for name in classes.names]
    for index, first in enumerate(firsts):
        if firsts.count(first) == 1:
            assert classes.find(first) == (index, "name")
        else:
            with pytest.raises(ClassError):
                classes.find(first)


@pytest.mark.parametrize(
    ("folder", "index"),
    [("cardigan", 474), ("harp", 594), ("partridge", 86), ("mouth_harp", 593), ("7", 7),
     ("Great_White_Shark", 2), ("N01440764", 0), ("no such animal", None), ("1000", None)],
)  # fmt: skip
def test_a_folder_is_the_class_whose_name_fits_best(folder, index):
    found = imagenet().find(folder)
    assert (found and found[0]) == index


@pytest.mark.parametrize(
    ("folder", "ids"),
    [("crane", ("n02012849", "n03126707")), ("maillot", ("n03710637", "n03710721"))],
)
def test_a_name_of_two_classes_is_refused_with_both(folder, ids):
    with pytest.raises(ClassError) as refused:
        imagenet().find(folder)
    assert all(one in str(refused.value) for one in ids)


@pytest.mark.parametrize("folder", ["+++", "", "---", "²", "１"])
def test_a_name_without_letters_or_plain_digits_is_no_class(folder):
    assert SMALL.find(folder) is None


def test_composed_and_decomposed_letters_are_the_same_name():
    assert ClassList(names=("käse", "öl")).find("ka\u0308se") == (0, "name")


def test_two_folders_of_one_class_are_said(tmp_path):
    images = find_images(fill(tmp_path, ["n1/a.png", "tench/b.png", "0/c.png"]), SMALL)
    assert images.labels.tolist() == [0, 0, 0]
    assert any("0, n1, tench are one class, 0 tench" in note for note in images.notes)


def test_the_mapping_counts_images_and_says_how_it_was_decided(tmp_path):
    images = find_images(fill(tmp_path, ["n1/a.png", "n1/b.png", "2/c.png"]), SMALL)
    told = [(one.folder, one.index, one.class_name, one.images, one.how) for one in images.mapping]
    assert told == [("2", 2, "C++", 1, "number"), ("n1", 0, "tench, Tinca tinca", 2, "id")]


def test_folders_of_numbers_are_outputs_by_number_or_in_text_order(tmp_path):
    folders = [str(number) for number in range(12)]
    by_text = {name: sorted(folders).index(name) for name in folders}  # as torchvision does
    assert decide(tmp_path, folders, NUMBERS) == {name: int(name) for name in folders}
    assert decide(tmp_path, folders, NUMBERS, order="text") == by_text
    some = ["0", "2", "10"]
    assert decide(tmp_path, some, NUMBERS, order="text") == {name: by_text[name] for name in some}
    ones = [str(number) for number in range(1, 13)]
    assert decide(tmp_path, ones, NUMBERS, order="from-1") == {name: int(name) - 1 for name in ones}
    in_order = {name: index for index, name in enumerate(sorted(ones))}
    assert decide(tmp_path, ones, NUMBERS, order="text") == in_order


@pytest.mark.parametrize(
    ("folders", "order"),
    [
        (["cat", "dog", "eel"], "text"),
        ([str(number) for number in range(12)], "text"),
        ([str(number) for number in range(1, 13)], "from-1"),
        ([str(number) for number in range(12)], "number"),
    ],
)
def test_classes_without_names_are_called_as_their_folders(tmp_path, folders, order):
    numbers = ClassList(names=tuple(map(str, range(len(folders)))))
    found = classes_of_folders(tmp_path, dict.fromkeys(folders, 1), numbers, order=order)
    assert {one.folder: one.class_name for one in found.mapping} == {name: name for name in folders}
    named = ClassList(names=tuple(f"kind {letter}" for letter in "abcdefghijkl"[: len(folders)]))
    found = classes_of_folders(tmp_path, dict.fromkeys(folders, 1), named, order=order)
    assert found.names == named.names


def test_a_headless_model_has_the_folders_as_classes_in_natural_order(tmp_path):
    folders = ["10", "2", "1", "b", "a10", "a9"]
    natural_order = ["1", "2", "10", "a9", "a10", "b"]
    assert sorted(folders, key=natural) == natural_order
    found = classes_of_folders(tmp_path, dict.fromkeys(natural_order, 1), ClassList())
    assert found.names == tuple(natural_order)
    found = classes_of_folders(tmp_path, dict.fromkeys(folders, 1), ClassList(), order="text")
    assert found.names == tuple(sorted(folders))


@pytest.mark.parametrize(
    ("folders", "order", "message"),
    [
        (["1", "12"], "text", "known only where every class has a folder"),
        (["a", "0"], "text", "known only where every class has a folder"),
        (["0", "1"], "from-1", "none of 1 to 12"),
        (["0"], "alphabet", "expected number, text, from-1"),
        ([str(n) for n in range(1, 13)], "number", "--class-order from-1"),
        ([f"c{n}" for n in range(12)], "number", "--class-order text"),
    ],
)
def test_orders_that_decide_nothing_are_refused(tmp_path, folders, order, message):
    with pytest.raises(ClassError, match=message):
        decide(tmp_path, folders, NUMBERS, order=order)


FORMS = {
    "comma": "folder,index,name\nx,1,shark\ny,0,fish\n",
    "semicolon": "folder;index;name\r\nx;1;shark\r\ny;0;fish\r\n",
    "tab": "folder\tindex\nx\t1\ny\t0\n",
    "blanks": " folder , index , name \n\n x , 1 , shark \n\n y , 0 ,\n,,\n",
    "mark": b"\xef\xbb\xbffolder,index\nx,1\ny,0\n",
    "utf-16": "folder,index\nx,1\ny,0\n".encode("utf-16"),
    "utf-16 without mark": "folder,index\nx,1\ny,0\n".encode("utf-16-le"),
    "floats": "folder,index\nx,1.0\ny,0.0\n",
    "no header": "x,1\ny,0\n",
    "no header, index first": "1,x\n0,y\n",
    "other header": "Class ID,directory\n1,x\n0,y\n",
    "unknown header": "Verzeichnis,Nummer,Name\nx,1,Hai\ny,0,Schleie\n",
    "spreadsheet": "sep=;\nfolder;index\nx;1\ny;0\n",
    "quoted": '"folder","index"\n"x","1"\n"y","0"\n',
    "words": "x 1\ny 0\n",
    "index and word": "1 x\n0 y\n",
    "one name a line": "y\nx\nz\n",
    "synsets": "n00000001 y, fish\nn00000002 x, shark\nn00000003 z\n",
    "repeated": "folder,index\nx,1\ny,0\nx,1\n",
    "class_to_idx": json.dumps({"x": 1, "y": 0}),
    "class_to_idx of floats": '{"x": 1.0, "y": 0.0}',
    "index to name": json.dumps({"1": "x", "0": "y"}),
    "index to synset and name": json.dumps({"0": ["y", "fish"], "1": ["x", "shark"]}),
    "id2label": json.dumps({"id2label": {"0": "y", "1": "x"}, "hidden_size": 7}),
    "label2id": json.dumps({"label2id": {"y": 0, "x": 1}}),
    "timm": json.dumps({"pretrained_cfg": {"label_names": ["y", "x", "z"]}}),
    "list": json.dumps(["y", "x", "z"]),
}


@pytest.mark.parametrize("form", FORMS)
def test_class_files_are_read_as_programs_write_them(tmp_path, form):
    folders = {"n00000002": 1, "n00000001": 0} if form == "synsets" else {"x": 1, "y": 0}
    assert decide(tmp_path, folders, SMALL, FORMS[form]) == folders


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("folder,index\nx,1\nx,2\n", r"line 3: the folder 'x' has the index 2, and 1 in line 2"),
        ("folder,index\nx,3\n", r"line 2: the index 3 is none of the model's 3 outputs"),
        ("folder,index,name\nx,1,a\ny,1,b\n", r"line 3: the index 1 is called 'b', and 'a' in"),
        ("folder,index\nx,-1\ny,0\n", r"line 2: expected a folder and the number"),
        ("folder,index\nx,1.5\ny,0\n", r"line 2: expected a folder and the number"),
        ("folder,index\nx,\ny,0\n", r"line 2: expected a folder and the number"),
        ("x,1\ny,zero\nz,2\n", r"line 2: expected a folder and the number"),
        ("folder,index\n", r"no class below the header"),
        ("", "is empty"),
        ("y\nx\n", r"has 2 names, one an output, and the model has 3 outputs"),
        ('["y", "x"]', r"has 2 names, one an output, and the model has 3 outputs"),
        ('{"x": 1, "x": 2}', "'x' stands there twice"),
        ('{"x": 7}', r"entry 'x': the index 7 is none of the model's 3 outputs"),
        ('{"x": true}', "expected lines"),
        ('{"x": {"y": 1}}', "expected lines"),
        ('{"x": 1', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "expected lines"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not text"),
        (b"x,1\n\xff\xfe", "not text"),
        ("x,1\n" + "y" * 200_000 + ",2\n", "not a table"),
        ("x,999999999\n", "is not below"),
        ("folder,index\nz,1\n", "the class folder 'x' .* is not in"),
    ],
)  # fmt: skip
def test_a_class_file_that_cannot_be_used_is_refused_with_the_line(tmp_path, file, message):
    with pytest.raises(ClassError, match=message):
        decide(tmp_path, ["x"], SMALL, file)


def test_a_file_of_fewer_rows_than_outputs_is_enough(tmp_path):
    (tmp_path / "classes.csv").write_text("folder,index\nfish,700\nother,3\n")
    classes = imagenet()
    images = find_images(fill(tmp_path / "i", ["fish/a.png"]), classes, tmp_path / "classes.csv")
    assert images.labels.tolist() == [700]
    assert len(images.class_names) == 1000
    assert any("names 1 folders that hold no images" in note for note in images.notes)


def test_a_file_of_some_outputs_leaves_numbers_to_the_model(tmp_path):
    (tmp_path / "names.json").write_text(json.dumps({"1": "cat"}))
    folder = fill(tmp_path / "i", ["cat/a.png", "11/a.png"])
    images = find_images(folder, NUMBERS, tmp_path / "names.json")
    assert dict(zip(images.names, images.labels.tolist(), strict=True)) == {
        "cat/a.png": 1,
        "11/a.png": 11,
    }


@pytest.mark.parametrize(
    "files",
    [["train/cat/1.png", "val/cat/1.png"], ["Train/cat/1.png", "TEST/dog/1.png"],
     ["train/cat/1.png"], ["training/a/1.png", "validation/a/1.png", "loose.png"]],
)  # fmt: skip
def test_parts_of_a_data_set_are_refused_naming_the_folder_to_give(tmp_path, files):
    for classes in (SMALL, ClassList()):
        with pytest.raises(ClassError, match=r"give one of them: --images .*/([Tt]rain|TEST)"):
            find_images(fill(tmp_path, files), classes)


@pytest.mark.parametrize(
    "files",
    [["train/1.png", "bus/1.png"], ["train/old/1.png", "bus/old/1.png"], ["train/1.png"],
     ["cat/images/1.png", "dog/images/1.png"]],
)  # fmt: skip
def test_classes_with_such_names_or_with_folders_of_their_own_are_classes(tmp_path, files):
    images = find_images(fill(tmp_path, files), ClassList())
    assert set(images.class_names) == {name.split("/")[0] for name in files}


@pytest.mark.parametrize(
    ("named", "labels", "note"),
    [
        (["great white shark", "tench"], [1, 0, -1], "turned into model outputs"),
        ([("tench", "Tinca tinca"), "great white shark", "C++"], [0, 1, -1], ""),
        (["a", "b", "c"], [0, 1, -1], "0 a is 0 n1 tench"),
        ([], [0, 1, -1], ""),
    ],
)
def test_a_dataset_that_names_its_classes_means_these(named, labels, note):
    images = ImageSet(Path(), ("0", "1", "2"), np.array([0, 1, -1], np.int32), SMALL.names)
    found = align_labels(images, SimpleNamespace(classes=named), SMALL)
    assert found.labels.tolist() == labels
    assert note in " ".join(found.notes)
    assert bool(found.notes) == bool(note)


def test_a_dataset_of_other_classes_than_the_model_s_is_refused():
    images = ImageSet(Path(), ("0", "1"), np.array([0, 1], np.int32), SMALL.names)
    with pytest.raises(ClassError, match=r"2 classes .* 3 outputs of other names"):
        align_labels(images, SimpleNamespace(classes=["cat", "dog"]), SMALL)
