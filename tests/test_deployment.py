"""What the repository says of containers, proxies and services, as far as it can be read."""

import configparser
import re
import shlex
from pathlib import Path

import pytest
import yaml
from bokeh.server.auth_provider import AuthModule

from headbrush.server.host.access import guarded_options
from headbrush.server.host.launch import parse_options

ROOT = Path(__file__).parent.parent
DOCS = (ROOT / "docs" / "serving.md").read_text()


@pytest.fixture(scope="module")
def instructions():
    """The Dockerfile's instructions, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def named(instructions, name):
    return [rest for word, rest in instructions if word == name]


def test_the_image_is_built_of_files_that_are_there_and_of_pinned_bases(instructions):
    known = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "EXPOSE", "STOPSIGNAL",
             "HEALTHCHECK", "ENTRYPOINT", "CMD"}  # fmt: skip
    assert {word for word, _ in instructions} <= known
    assert all(re.match(r"python:3\.\d+-slim", base) for base in named(instructions, "FROM"))
    ignored = (ROOT / ".dockerignore").read_text()
    for rest in named(instructions, "COPY"):
        if not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}\n" in ignored


def test_the_image_serves_as_a_user_without_rights_and_is_asked_for_its_health(instructions):
    words = [word for word, _ in instructions]
    assert named(instructions, "USER") == ["10001"]
    assert words.index("USER") < words.index("ENTRYPOINT")
    (check,) = named(instructions, "HEALTHCHECK")
    assert "http://127.0.0.1:5006/healthz" in check
    assert named(instructions, "STOPSIGNAL") == ["SIGTERM"]
    assert "--no-auth" not in str(instructions)


def test_the_image_is_built_without_torch_unless_an_argument_adds_it(instructions):
    build = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["headbrush"]["build"]
    arguments = named(instructions, "ARG")
    assert 'EXTRAS=""' in arguments
    assert {one.split("=")[0] for one in arguments} == set(build["args"])
    assert named(instructions, "RUN")[0].endswith('pip install --no-cache-dir ".${EXTRAS}"')


def test_compose_mounts_the_stores_for_reading_and_asks_for_origin_and_password():
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["headbrush"]
    command = [re.sub(r"\$\{.*", "viz.example.org", word) for word in service["command"]]
    assert command[:2] == ["serve", "/stores"]
    asked = parse_options(command[2:])
    assert asked.address == "0.0.0.0"
    assert not asked.no_auth
    assert service["environment"]["HEADBRUSH_PASSWORD_FILE"] == "/run/secrets/password"
    assert all(volume.endswith(":ro") for volume in service["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]


def test_the_unit_of_systemd_starts_a_server_that_may_start(tmp_path):
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read_string(re.search(r"```ini\n(.*?)```", DOCS, re.DOTALL)[1])
    words = shlex.split(unit["Service"]["ExecStart"])
    assert words[1:3] == ["serve", "/srv/stores"]
    from headbrush.server.host.login.passwords import write_password_file

    write_password_file(tmp_path / "password", "long enough")
    options = [word.replace("%d", str(tmp_path)) for word in words[3:]]
    assert "--auth-module" in guarded_options(parse_options(options), options, {})[0]
    assert unit["Service"]["NoNewPrivileges"] == "yes"


def test_the_proxy_passes_websockets_on_and_keeps_the_counts():
    proxy = re.search(r"```nginx\n(.*?)```", DOCS, re.DOTALL)[1]
    assert proxy.count("{") == proxy.count("}")
    for needed in ("hash $remote_addr", "proxy_http_version 1.1", "Upgrade $http_upgrade",
                   "X-Forwarded-Proto $scheme", "location = /metrics { deny all; }"):  # fmt: skip
        assert needed in proxy


def test_the_example_of_oauth_is_an_auth_module():
    module = AuthModule(ROOT / "docs" / "google_login.py")
    assert module.login_url == "/login"
    assert [url for url, _ in module.endpoints] == ["/login"]
