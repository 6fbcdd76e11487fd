"""What an analysis says before it computes: true, complete, and nothing is made."""

import json
import shutil
import tempfile
from collections import namedtuple
from dataclasses import replace

import pytest
import torch
from rich.console import Console

import headbrush
from headbrush.analysis import pipeline
from headbrush.analysis.pipeline import analyze
from headbrush.analysis.preflight import inputs as inputs_module
from headbrush.analysis.preflight import prepare
from headbrush.analysis.preflight.words import duration, number, size
from headbrush.analysis.run import shards
from headbrush.analysis.run.progress import StageProgress
from headbrush.analysis.run.request import Request
from headbrush.analysis.run.work_folder import PartFiles
from headbrush.analysis.start.demo import bundled_folder
from headbrush.analysis.store.errors import InputError
from headbrush.analysis.store.store import Store, store_size
from tests.models import save_images, save_tiny_model

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return save_tiny_model(folder / "model"), save_images(folder / "images")


def preflight(inputs, out, **options):
    return headbrush.preflight(inputs[0], inputs[1], out, **options)


def said(told):
    """Heading -> texts."""
    found = {}
    for heading, text in told.lines:
        found.setdefault(heading, []).append(text)
    return found


def test_it_says_what_will_happen_and_makes_nothing(inputs, tmp_path):
    (inputs[1] / "star" / "torn.png").write_bytes(b"")
    told = preflight(inputs, tmp_path / "s", attention=4, autoencoder="convolutional")
    (inputs[1] / "star" / "torn.png").unlink()
    assert not any(tmp_path.iterdir())
    texts = said(told)
    assert texts["images"] == [f"12 images of {inputs[1]}"]
    assert texts["classes"] == ["circle 4, square 4, star 4"]
    assert texts["heads"] == [
        "2 layers × 2 heads, 17 tokens (1 prefix + 4×4 patches), 3 outputs (softmax)"
    ]
    assert str(inputs[0]) in texts["model"][0]
    assert texts["metrics"] == ["all 5: probability, jsd, cls, patch, gradient"]
    assert "attention of 4 images is stored" in texts["disk"][0]
    assert texts["output"] == [f"{tmp_path / 's'}, new"]
    (skipped,) = texts["skipped"]
    assert skipped.startswith("star/torn.png: ")
    assert told.seconds > 0
    assert len(repr(told).splitlines()) == len(told.lines)
    assert told._repr_html_().count("<tr>") == len(told.lines)


def test_a_name_cannot_add_to_the_table_of_a_notebook(inputs, tmp_path):
    told = preflight(inputs, tmp_path / "<script>")
    assert "<script>" not in told._repr_html_()
    assert "&lt;script&gt;" in told._repr_html_()


def test_metrics_that_will_be_missing_are_named_with_the_reason(inputs, tmp_path):
    quick = said(preflight(inputs, tmp_path / "s", importance="gradient"))
    assert quick["metrics"] == [
        "without probability and jsd: heads were not pruned, only the gradient was taken"
    ]
    headless = save_tiny_model(tmp_path / "model", num_classes=0)
    texts = said(preflight((headless, inputs[1]), tmp_path / "s"))
    assert "no classifier" in texts["heads"][0]
    assert "the model has no classifier" in texts["metrics"][0]


def test_notes_of_model_and_images_are_said_and_stored(inputs, tmp_path, monkeypatch):
    def noted(found):
        return lambda *given, **options: replace(
            (made := found(*given, **options)), notes=(*made.notes, f"{found.__name__}: a note.")
        )

    for name in ("load_model", "label_images"):
        monkeypatch.setattr(inputs_module, name, noted(getattr(inputs_module, name)))
    notes = ["load_model: a note.", "label_images: a note."]
    assert said(preflight(inputs, tmp_path / "s"))["note"] == notes
    store = headbrush.analyze(*inputs, tmp_path / "s", limit=3, quiet=True)
    assert store.attrs["notes"] == " ".join(notes)


def test_the_size_on_disk_is_about_what_was_expected(inputs, tmp_path):
    told = preflight(inputs, tmp_path / "s")
    analyze(
        Request(images=inputs[1], out=tmp_path / "s", model=str(inputs[0])),
        StageProgress(Console(quiet=True)),
    )
    # a store this small is mostly headers of its files, which do not grow with the images
    kept = store_size(tmp_path / "s")
    assert 0.3 * kept < told.expected.kept_bytes < 3 * kept


def test_without_an_autoencoder_none_is_expected(inputs, tmp_path):
    told = preflight(inputs, tmp_path / "s", autoencoder="none").expected
    assert not {"autoencoder", "encoding"} & told.seconds.keys()
    assert told.kept_bytes > 0


def test_the_size_of_the_bundled_images_is_expected_within_a_tenth(tmp_path, monkeypatch):
    inputs = (bundled_folder() / "model", bundled_folder() / "images")
    options = {"limit": 3, "importance": "gradient"}
    told = preflight(inputs, tmp_path / "s", **options).expected
    largest = []

    def measured(parts):
        largest.append(store_size(parts.store))
        remove(parts)

    remove = PartFiles.remove
    monkeypatch.setattr(PartFiles, "remove", measured)
    headbrush.analyze(*inputs, tmp_path / "s", quiet=True, **options)
    assert told.kept_bytes == pytest.approx(store_size(tmp_path / "s"), rel=0.1)
    assert told.disk_bytes == pytest.approx(largest[0], rel=0.1)


def test_a_disk_that_is_clearly_too_small_is_refused(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(10**9, 10**9 - 9, 9))
    with pytest.raises(InputError, match=r"needs about .* of disk space") as refused:
        headbrush.analyze(*inputs, tmp_path / "s", quiet=True)
    assert "\n" not in str(refused.value)
    assert not any(tmp_path.iterdir())


def test_folders_that_have_not_the_name_of_their_class_are_said_as_the_store_keeps_them(
    inputs, tmp_path
):
    images = tmp_path / "images"
    shutil.copytree(inputs[1], images)
    (images / "circle").rename(images / "0")
    told = said(headbrush.preflight(inputs[0], images, tmp_path / "s"))
    assert told["folders"] == ["by number: 0 → 0 circle; by id: square → 1 square, star → 2 star"]
    assert "folders" not in said(preflight(inputs, tmp_path / "s"))


@pytest.mark.parametrize(("share", "is_tight"), [(0.9, True), (1.1, True), (1.5, False)])
def test_a_disk_that_may_be_too_small_is_said(inputs, tmp_path, monkeypatch, share, is_tight):
    needed = preflight(inputs, tmp_path / "s").expected.disk_bytes
    free = int(share * needed)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: Usage(10**9, 10**9 - free, free))
    (disk,) = said(preflight(inputs, tmp_path / "s"))["disk"]
    assert ("may be too little" in disk) is is_tight


def test_without_a_folder_for_temporary_files_the_line_says_what_to_set(
    inputs, tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(InputError, match="set TMPDIR to a folder with free space") as refused:
        preflight(inputs, tmp_path / "s")
    assert "\n" not in str(refused.value)


def test_a_resumed_run_says_how_much_is_done(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "SHARD_IMAGES", 4)

    def stop(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "fit_to_sample", stop)
        with pytest.raises(KeyboardInterrupt):
            headbrush.analyze(*inputs, tmp_path / "s", quiet=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    told = preflight(inputs, tmp_path / "s")
    assert said(told)["output"] == [f"{tmp_path / 's'}, resumes: 3 of 3 shards are done"]
    assert "attention" not in told.expected.seconds
    files = {path for path in before if path.is_file() and path.name != "lock"}
    assert {path: path.stat().st_mtime_ns for path in files} == {p: before[p] for p in files}
    again = preflight(inputs, tmp_path / "s", resume=False)
    assert said(again)["output"] == [f"{tmp_path / 's'}, started again"]


def test_a_finished_store_is_made_again_only_if_told_so(inputs, tmp_path):
    made = headbrush.analyze(*inputs, tmp_path / "s", limit=3, quiet=True)
    with pytest.raises(InputError, match="finished store"):
        preflight(inputs, made.path)
    told = preflight(inputs, made.path, resume=False)
    assert said(told)["output"] == [f"{made.path}, which is made again"]
    assert Store(made.path).sizes["image"] == 3


def test_a_dry_run_of_many_images_opens_only_some(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "MOST_OPENED", 6)
    texts = said(preflight(inputs, tmp_path / "s"))
    assert texts["images"] == [f"12 images of {inputs[1]}"]
    assert "6 images of 12 were opened; the analysis opens all." in texts["note"]


STEPS = ("options", "output", "listing", "class file", "model", "images")
"""The order of the checks."""


def spoil(step, folder, given):
    """Make one step fail; returns a part of the line that says so."""
    if step == "options":
        given["batch_size"] = 0
        return "--batch-size"
    if step == "output":
        (folder / "s").write_text("mine")
        return "is a file"
    if step == "listing":
        given["images"] = folder / "none"
        return "no such folder"
    if step == "class file":
        (folder / "classes.csv").write_bytes(b"")
        given["classes"] = folder / "classes.csv"
        return "classes.csv"
    if step == "model":
        given["model"] = "swinv2_tiny_window8_256"
        given["pretrained"] = False
        return "swinv2_tiny"
    given["select"] = "best-worst:500"
    return "500"


@pytest.mark.parametrize("first", range(len(STEPS)))
def test_the_cheapest_check_refuses_first_and_nothing_later_runs(
    inputs, tmp_path, monkeypatch, first
):
    ran = []

    def count(module, name, step):
        real = getattr(module, name)

        def counted(*given, **options):
            ran.append(step)
            return real(*given, **options)

        monkeypatch.setattr(module, name, counted)

    count(prepare, "demand_place", "output")
    count(inputs_module, "list_images", "listing")
    count(inputs_module, "demand_labelling", "class file")
    count(inputs_module, "load_model", "model")
    count(prepare, "requested_images", "images")
    count(prepare, "drop_unreadable", "later")
    count(prepare.capture, "self_check", "later")
    count(prepare, "measure", "later")
    given = {"model": inputs[0], "images": inputs[1]}
    # everything from this step on is wrong, and only the first of it is said
    reasons = [spoil(step, tmp_path, given) for step in STEPS[first:]]
    made = sorted(tmp_path.rglob("*"))
    model, images = given.pop("model"), given.pop("images")
    with pytest.raises(InputError) as refused:
        headbrush.analyze(model, images, tmp_path / "s", **given, quiet=True)
    assert reasons[0] in str(refused.value)
    assert ran == list(STEPS[1 : first + 1])
    assert sorted(tmp_path.rglob("*")) == made


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (89, "89 s"), (90, "2 min"), (5_000, "83 min"), (12_000, "3 h 20 min"),
     (7_200, "2 h"), (90_000, "25 h")],
)  # fmt: skip
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_sizes_and_numbers():
    assert [size(count) for count in (0, 3e6, 1.24e9)] == ["1 MB", "3 MB", "1.2 GB"]
    assert number(1, "image") == "1 image"
    assert number(12_345, "image") == "12\u00a0345 images"


def test_a_module_and_a_dataset_are_described_too(tmp_path):
    from headbrush.analysis.model.loading import load_model

    model = load_model(str(save_tiny_model(tmp_path / "model"))).module
    dataset = [(torch.rand(1, 16, 16), index % 3) for index in range(6)]
    texts = said(headbrush.preflight(model, dataset, tmp_path / "s"))
    assert "with the weights that it has" in texts["model"][0]
    assert texts["images"][0].startswith("6 images")
    assert json.dumps(texts)
