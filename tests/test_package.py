"""What is installed: one wheel, its extras, and that it works beside the user's own files."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from headbrush import __version__
from headbrush.analysis.store.store import write_summary
from tests.installs import installed, link_closure, see_parent, site_packages
from tests.server.served import free_port, running
from tests.stores import attributes, make_store, values

ROOT = Path(__file__).parent.parent
PANELS = [
    "image_overview", "head_importance", "partial_pruning", "prediction", "strength_overview",
    "strength_vector", "entropy_distribution", "pattern_layout", "image_context", "two_axes",
    "attention_matrix", "threshold", "prune_heads", "set_effects", "pruned_prediction",
    "given_importance", "changed_predictions", "pruning_curve", "head_pairs", "class_heads",
    "class_consistency", "unlike_images", "similar_images", "explained_image",
    "explanation_maps", "speaking_heads", "sink_card",
]  # fmt: skip


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The source archive and the wheel that is made of it."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def base_requirements(built):
    """What the wheel needs, without extras."""
    with zipfile.ZipFile(built[1]) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        lines = re.findall(r"^Requires-Dist: (.*)$", wheel.read(name).decode(), re.MULTILINE)
    return [Requirement(line) for line in lines if "extra ==" not in line]


@pytest.fixture(scope="module")
def bare(built, base_requirements, tmp_path_factory):
    """Headbrush without extras: beside the wheel is only what it requires."""
    made = installed(tmp_path_factory.mktemp("bare"), built[1])
    link_closure(made, [requirement.name for requirement in base_requirements])
    return made


@pytest.fixture(scope="module")
def editable(tmp_path_factory):
    """Headbrush as it is here, and all that this environment can import."""
    folder = tmp_path_factory.mktemp("editable")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel:editable", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    made = installed(folder / "environment", next(folder.glob("*.whl")))
    see_parent(made)
    return made


@pytest.fixture(params=["bare", "editable"])
def headbrush(request):
    """Headbrush, either way; imported from where it should be."""
    made = request.getfixturevalue(request.param)
    home = ROOT if request.param == "editable" else site_packages(made.folder)
    file = made.python("import headbrush; print(headbrush.__file__)").strip()
    assert file == str(home / "headbrush" / "__init__.py")
    return made


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("package") / "small.headbrush")


def build_wheel(source: Path, target: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", target, source]
    subprocess.run(command, check=True, capture_output=True)


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_holds_one_package_and_every_file_once(built):
    names = names_in(built[1])
    assert max(Counter(names).values()) == 1
    described = f"headbrush-{__version__}.dist-info"
    assert {name.split("/")[0] for name in names} == {"headbrush", described}
    ours = {name for name in names if name.startswith("headbrush/")}
    expected = {f"headbrush/{path.name}" for path in (ROOT / "headbrush").glob("*.py")}
    expected |= {"headbrush/py.typed"}
    for folder in ("analysis", "server", "datasets/fashion_mnist/model",
                   "datasets/fashion_mnist/images"):  # fmt: skip
        files = (path for path in (ROOT / folder).rglob("*") if path.is_file())
        expected |= {f"headbrush/{path.relative_to(ROOT)}" for path in files}
    expected |= {"headbrush/datasets/fashion_mnist/README.md"}
    assert ours == {name for name in expected if "__pycache__" not in name}


def test_the_wheel_is_the_same_from_the_source_archive_and_from_the_repository(built, tmp_path):
    build_wheel(ROOT, tmp_path)
    (direct,) = tmp_path.glob("*.whl")
    assert direct.read_bytes() == built[1].read_bytes()


def test_the_wheel_can_be_built_of_what_the_dockerfile_copies(built, tmp_path):
    (tmp_path / "source").mkdir()
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for name in line.split():
            target = tmp_path / "source" / name
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, target, symlinks=True)
            else:
                shutil.copy(ROOT / name, target)
    build_wheel(tmp_path / "source", tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    assert set(names_in(wheel)) >= set(names_in(built[1]))  # beside it, what git ignores


def test_the_source_archive_holds_what_its_tests_need(built, tmp_path):
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no repository")
    with tarfile.open(built[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (top,) = tmp_path.iterdir()
    missing = [
        name for name in listed.stdout.splitlines()
        if (ROOT / name).exists() and not (top / name).exists()
    ]  # fmt: skip
    assert missing == []
    for name in ("analysis", "datasets", "server"):
        assert (top / "headbrush" / name).readlink() == Path("..", name)


def test_the_command_knows_its_version(headbrush):
    done = headbrush.run("headbrush", "--version")
    assert (done.returncode, done.stdout) == (0, f"headbrush {__version__}\n")


def test_info_beside_files_of_the_same_names(headbrush, store):
    done = headbrush.run("python", "-m", "headbrush", "info", store)
    assert done.returncode == 0, done.stderr
    assert "3 layers × 2 heads" in done.stdout


def test_a_notebook_beside_files_of_the_same_names(headbrush, store):
    made = "headbrush.report(sys.argv[1], views=['strength_vector'])"
    headbrush.python(f"import headbrush, sys; {made}.save('r.html')", store)
    assert (headbrush.work / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_a_page_beside_files_of_the_same_names(headbrush, store):
    with headbrush.serve(store) as server:
        page = server.get("/server")
        assert page.status == 200
        assert re.findall(r'<section[^>]* data-name="(\w+)"', page.text) == PANELS
        assert server.websocket(page.token)
        assert "Traceback" not in server.log


def test_the_data_of_the_demo_are_installed(headbrush):
    code = "from headbrush.analysis.start.demo import bundled_folder as f; print(f().resolve())"
    folder = Path(headbrush.python(code).strip())
    assert folder.is_relative_to(site_packages(headbrush.folder)) or folder.is_relative_to(ROOT)
    assert len(list(folder.glob("images/*/*.png"))) == 1000


def test_without_the_extra_an_analysis_is_refused_in_one_line(bare):
    words = ("--images", "none", "--out", "s.headbrush", "--model", "vit")
    for command in (("analyze", *words), ("demo", "--out", "demo.headbrush")):
        done = bare.run("headbrush", *command)
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        missing = "torch, timm, safetensors, threadpoolctl, openTSNE, sklearn, distributed"
        assert missing in done.stderr
        assert done.stderr.endswith("pip install 'headbrush[analyze]'\n")
    code = """
import headbrush
try:
    headbrush.analyze("vit", "none", "s.headbrush")
except Exception as error:
    print(type(error).__mro__[1].__name__, error)
"""
    said = bare.python(code)
    assert said.startswith("InputError analyze() needs torch")
    assert said.endswith("pip install 'headbrush[analyze]'\n")
    assert not (bare.work / "s.headbrush").exists()


def test_without_the_extra_a_store_is_read_and_reported(bare, store):
    assert "3 layers × 2 heads" in bare.run("headbrush", "info", store).stdout
    done = bare.run("headbrush", "report", store, "--out", "r.html", "--data", "values.nc")
    assert done.returncode == 0, done.stderr
    assert (bare.work / "r.html").stat().st_size > 1e6
    done = bare.run("headbrush", "password", "password", input="long enough\n")
    assert done.returncode == 0, done.stderr


MODEL = """
import logging, sys
from pathlib import Path
from headbrush.analysis.store.store import Store
from headbrush.server.stores.model.live_model import live_model
logging.basicConfig(level=logging.WARNING, stream=sys.stdout)
print(live_model(Store(Path(sys.argv[1]))).attention(0, 0, 0).exception(60))
"""


def test_without_the_extra_the_model_says_what_is_missing(bare, tmp_path):
    store = make_store(tmp_path / "timm.headbrush")
    source = '{"name": "vit_tiny_patch16_224", "checkpoint": null, "pretrained": true}'
    write_summary(store, values(), attributes(model_source=source))
    assert bare.python(MODEL, store) == (  # and logs nothing
        "Running the model needs torch, timm, safetensors, threadpoolctl: "
        "pip install 'headbrush[analyze]'\n"
    )


def test_bokeh_serves_the_application_from_the_repository(store, tmp_path):
    port = free_port()
    words = [sys.executable, "-m", "bokeh", "serve", "server", "--port", str(port),
             "--args", str(store)]  # fmt: skip
    with running(words, port, tmp_path / "log", ROOT, os.environ) as server:
        page = server.get("/server")
        assert page.status == 200
        assert re.findall(r'<section[^>]* data-name="(\w+)"', page.text) == PANELS
        assert server.websocket(page.token, origin=f"http://localhost:{port}")
        assert "Traceback" not in server.log
