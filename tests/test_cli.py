"""The command line: what it does, and one clear line with exit code 2 for bad input."""

import json
import re
import subprocess
import sys
from pathlib import Path

import netCDF4
import pytest
import torch
import typer
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from headbrush import cli
from headbrush.analysis.model.loading import load_model
from headbrush.analysis.store.store import Store
from tests.analysis.analyzed import analyzed
from tests.models import save_images, save_tiny_model
from tests.stores import make_store

ROOT = Path(__file__).parent.parent
SMALL_VIT = "vit_tiny_patch16_224"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    save_images(folder / "images")
    save_tiny_model(folder / "model")
    return folder


def invoke(*words):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def test_analyze_then_info(inputs, tmp_path):
    out = tmp_path / "s.headbrush"
    words = ("--images", inputs / "images", "--out", out, "--model", inputs / "model")
    result = invoke("analyze", *words, "--limit", 6, "--attention", "all")
    assert result.exit_code == 0, result.output
    store = Store(out)
    assert store.sizes["image"] == len(store.kept_images) == 6
    shown = invoke("info", out)
    assert shown.exit_code == 0
    assert "2 layers × 2 heads" in shown.output
    assert "accuracy" in shown.output


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--select", "best:2", "expected best-worst:K"),
        ("--select", "best-worst:2", "needs 4 classes with images, and 3 have some"),
        ("--attention", "some", "expected all, none or a number"),
        ("--importance", "guess", "expected pruning or gradient"),
        ("--modes", "8", "expected whole or all"),
        ("--image-size", "0x9", "expected pixels, 224, or height x width"),
        ("--scheduler", "there", "expected tcp://HOST:PORT"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(inputs, tmp_path, option, value, expected):
    words = ("--images", inputs / "images", "--out", tmp_path / "s", "--model", inputs / "model")
    assert expected in refused(invoke("analyze", *words, option, value))
    assert not (tmp_path / "s").exists()


def test_another_image_size_gives_another_grid(inputs, tmp_path):
    words = ("--images", inputs / "images", "--out", tmp_path / "s", "--model", inputs / "model")
    options = ("--image-size", "16x24", "--limit", 3, "--importance", "gradient")
    assert invoke("analyze", *words, *options).exit_code == 0
    store = Store(tmp_path / "s")
    assert store.grid == (4, 6)
    source = json.loads(store.attrs["model_source"])
    again = load_model(source["name"], **source["arguments"])
    assert (again.geometry.grid_height, again.geometry.grid_width) == (4, 6)


def test_the_command_itself_prints_one_line_and_no_traceback(tmp_path):
    command = [sys.executable, "-m", "headbrush", "info", tmp_path / "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no such store" in done.stderr


def refused(result):
    """The single line of a refusal."""
    assert result.exit_code == 2, result.output
    line = result.stderr.strip()
    assert "\n" not in line
    assert line.startswith("headbrush: ")
    return line


def refused_analysis(inputs, out, *words, images="images"):
    before = sorted(out.rglob("*")) if out.exists() else None
    result = invoke("analyze", "--images", inputs / images, "--out", out, *words)
    assert (sorted(out.rglob("*")) if out.exists() else None) == before
    return refused(result)


def test_missing_and_empty_image_folders(inputs, tmp_path):
    model = ("--model", inputs / "model")
    assert "no such folder" in refused_analysis(inputs, tmp_path / "s", *model, images="none")
    (inputs / "empty").mkdir()
    assert "no images in it" in refused_analysis(inputs, tmp_path / "s", *model, images="empty")


def test_an_unknown_model_is_answered_with_close_names(inputs, tmp_path):
    line = refused_analysis(inputs, tmp_path / "s", "--model", "vit_tiny_patch16_225")
    assert SMALL_VIT in line


@pytest.mark.parametrize("name", ["swinv2_tiny_window8_256", "convnext_atto"])
def test_what_is_no_plain_vit_is_refused_with_the_reason(inputs, tmp_path, name):
    line = refused_analysis(inputs, tmp_path / "s", "--model", name, "--no-pretrained")
    assert name in line
    assert "attention" in line


def test_a_checkpoint_that_does_not_fit_names_the_first_keys(inputs, tmp_path):
    save_file({"blocks.0.norm1.weight": torch.ones(7)}, tmp_path / "w.safetensors")
    words = ("--model", SMALL_VIT, "--checkpoint", tmp_path / "w.safetensors")
    assert "blocks.0.norm1.weight" in refused_analysis(inputs, tmp_path / "s", *words)


def test_a_pickle_is_never_executed(inputs, tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path(tmp_path / "ran").touch, ())

    torch.save({"state_dict": Evil()}, tmp_path / "evil.pth")
    words = ("--model", SMALL_VIT, "--checkpoint", tmp_path / "evil.pth")
    refused_analysis(inputs, tmp_path / "s", *words)
    assert not (tmp_path / "ran").exists()


def test_an_output_that_is_no_store_is_left_alone(inputs, tmp_path):
    (tmp_path / "diary.txt").write_text("mine")
    line = refused_analysis(inputs, tmp_path, "--model", inputs / "model")
    assert "not a headbrush store" in line


def test_stores_that_cannot_be_read(tmp_path):
    assert "not a headbrush store" in refused(invoke("info", tmp_path))
    path = make_store(tmp_path / "old.headbrush")
    with netCDF4.Dataset(path / "summary.nc", "a") as summary:
        summary.schema_version = 0
    assert "schema version 0" in refused(invoke("info", path))
    assert "schema version 0" in refused(invoke("serve", path))
    assert "name the stores first" in refused(invoke("serve", "--port", "5999"))


def test_an_image_that_cannot_be_read_is_skipped_and_named(inputs, tmp_path):
    images = save_images(tmp_path / "images")
    (images / "star" / "0.png").write_bytes(b"")
    Image.new("P", (9, 5)).save(images / "star" / "palette.png")
    words = ("--images", images, "--out", tmp_path / "s", "--model", inputs / "model")
    result = invoke("analyze", *words)
    assert result.exit_code == 0, result.output
    assert re.search(r"skipped +star/0.png", result.output)
    assert "12 images, 1 skipped" in " ".join(result.output.split())
    lines = (tmp_path / "s" / "skipped.csv").read_text().splitlines()
    assert lines == ["name,reason", "star/0.png,an empty file"]
    store = Store(tmp_path / "s")
    assert store.sizes["image"] == 12
    assert "star/palette.png" in store.read("name")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--head", "7.0"], "--head 7.0: expected layer.head"),
        (["--image", "nobody.png"], "--image nobody.png: expected an id"),
        (["--view", "all"], "--view all: unknown view"),
        (["--data", "none/values.nc"], "does not exist"),
    ],
)
def test_a_report_that_cannot_be_made_leaves_no_file(tmp_path, words, expected):
    store = make_store(tmp_path / "s.headbrush")
    out = tmp_path / "out"
    out.mkdir()
    assert expected in refused(invoke("report", store, "--out", out / "r.html", *words))
    assert list(out.iterdir()) == []
    assert "this is a folder" in refused(invoke("report", store, "--out", out))
    assert "no such store" in refused(invoke("report", out / "s", "--out", out / "r.html"))


def test_a_report_its_parts_and_its_values_are_written(tmp_path):
    store = make_store(tmp_path / "s.headbrush")
    one = ("--view", "head_importance", "--view", "image_overview")
    done = invoke("report", store, "--out", tmp_path / "r.html", "--data", tmp_path / "v.nc", *one)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")
    assert netCDF4.Dataset(tmp_path / "v.nc").dimensions["image"].size == 24
    for name in ("p.html", "p.json"):
        done = invoke("report", store, "--out", tmp_path / name, "--fragment", *one)
        assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "p.json").read_text())["root_id"]
    assert "<html" not in (tmp_path / "p.html").read_text()


def test_a_report_of_two_stores_is_written_or_refused_in_one_line(tmp_path):
    two = (make_store(tmp_path / "s.headbrush"), "--beside", make_store(tmp_path / "t.headbrush"))
    out = tmp_path / "r.html"
    said = refused(invoke("report", *two, "--out", out, "--head", "0.0"))
    assert "--head with --beside: a report of two stores" in said
    assert not out.exists()
    assert "no such store" in refused(invoke("report", *two[:2], tmp_path / "u", "--out", out))
    done = invoke("report", *two, "--out", out)
    assert done.exit_code == 0, done.output
    assert "two stores" in " ".join(done.output.split())
    assert "s.headbrush and t.headbrush" in out.read_text()


def test_a_report_without_options_says_which_heads_it_chose(tmp_path):
    store = make_store(tmp_path / "s.headbrush")
    done = invoke("report", store, "--out", tmp_path / "r.html")
    assert "the 5 globally most important are shown" in " ".join(done.output.split())


def test_the_help_of_report_tells_how_to_make_its_file_smaller():
    shown = " ".join(invoke("report", "--help").output.split())
    assert "more than 8 MB smaller, give fewer --head, --image or --view" in shown


def test_the_help_of_analyze_is_in_groups():
    command = typer.main.get_group(cli.app).commands["analyze"]
    groups = {
        word: getattr(parameter, "rich_help_panel", None)
        for parameter in command.params
        for word in parameter.opts
    }
    assert set(groups.values()) == {"Images", "Model", "Run", "Classes", "Measures"}
    shown = invoke("analyze", "--help").output
    places = [shown.index(f" {name} ") for name in ("Images", "Model", "Run", "Classes")]
    assert places == sorted(places)


def test_a_dry_run_prints_what_would_be_done_and_writes_nothing(inputs, tmp_path):
    words = ("--images", inputs / "images", "--out", tmp_path / "s", "--model", inputs / "model")
    result = invoke("analyze", *words, "--dry-run")
    assert result.exit_code == 0, result.output
    headings = [line.split()[0] for line in result.stdout.splitlines()]
    assert headings == [
        "model", "heads", "images", "classes", "metrics", "time", "disk", "memory", "output",
    ]  # fmt: skip
    assert not any(tmp_path.iterdir())
    assert "no such folder" in refused(
        invoke("analyze", "--images", "none", *words[2:], "--dry-run")
    )


def test_pruning_a_set_and_a_curve(tmp_path):
    store = analyzed(tmp_path)
    told = invoke("prune", store, "--set", "0.1,1.0")
    assert told.exit_code == 0, told.output
    assert "12 images: accuracy" in told.output
    assert "predictions flip" in told.output
    words = ("--order", "jsd", "--order", "random", "--out", tmp_path / "curve.svg")
    told = invoke("prune", store, "--curve", *words)
    assert told.exit_code == 0, told.output
    assert "jsd:" in told.output
    assert "random:" in told.output
    assert "of 4 heads" in told.output
    assert (tmp_path / "curve.svg").is_file()
    assert (store / "studies" / "curve-12-0.json").is_file()
    told = invoke("export", store, "--prune", "0.1", "--out", tmp_path / "smaller")
    assert told.exit_code == 0, told.output
    assert "largest difference" in told.output


def test_compensation_is_told_and_kept(tmp_path):
    store = analyzed(tmp_path)
    told = invoke("compensation", store, "--images", 5)
    assert told.exit_code == 0, told.output
    assert "5 images; means, in logits" in told.output
    assert "what did change" in " ".join(told.output.split())
    assert (store / "studies" / "compensation-5-0.json").is_file()
    assert "expected 1 to 12" in refused(invoke("compensation", store, "--images", 13))
    shown = invoke("info", store)
    assert "compensation-5-0.json, 5 images" in shown.output
    nameless = make_store(tmp_path / "s")
    assert "does not record how to load" in refused(invoke("compensation", nameless))


def test_interactions_are_told_kept_and_written(tmp_path):
    store, table = analyzed(tmp_path), tmp_path / "pairs.csv"
    told = invoke("interactions", store, "--images", 5, "--out", table)
    assert told.exit_code == 0, told.output
    assert "5 images, 6 pairs of 4 heads." in told.output
    assert "written" in told.output
    assert len(table.read_text().splitlines()) == 7
    assert (store / "studies" / "interactions-heads-5-0.json").is_file()
    assert "expected 2 to 12" in refused(invoke("interactions", store, "--images", 1))
    shown = invoke("info", store)
    assert "interactions-heads-5-0.json, 5 images: 6 pairs" in " ".join(shown.output.split())
    nameless = make_store(tmp_path / "s")
    assert "does not record how to load" in refused(invoke("interactions", nameless))
    assert "expected heads, layers" in refused(invoke("interactions", nameless, "--groups", "rows"))


def test_pruning_asks_for_one_of_its_forms(tmp_path):
    store = make_store(tmp_path / "s")
    for words in ((), ("--curve", "--set", "0.1")):
        assert "give either --set HEADS or --curve" in refused(invoke("prune", store, *words))
    assert "is not a head" in refused(invoke("prune", store, "--set", "first"))
    assert "does not record how to load" in refused(invoke("prune", store, "--curve"))
    words = ("--prune", "0.1", "--out", tmp_path / "smaller")
    assert "does not record how to load" in refused(invoke("export", store, *words))
