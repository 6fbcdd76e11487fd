"""What must be said before the server listens beyond this machine, and passwords."""

import stat

import pytest

from headbrush.analysis.store.errors import InputError
from headbrush.server.host.access import guarded_options
from headbrush.server.host.answers.addresses import is_loopback
from headbrush.server.host.launch import parse_options
from headbrush.server.host.login.attempts import Attempts
from headbrush.server.host.login.passwords import (
    hash_of,
    is_password,
    read_password_file,
    write_password_file,
)

BEYOND = ["--address", "0.0.0.0"]
ORIGIN = ["--allow-websocket-origin", "viz.example.org"]
HOME = [
    "--allow-websocket-origin", "localhost:5006",
    "--allow-websocket-origin", "127.0.0.1:5006",
]  # fmt: skip


@pytest.fixture(scope="session")
def password_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("access") / "password"
    write_password_file(path, "correct horse")
    return path


def guarded(options, **environment):
    return guarded_options(parse_options(options), options, environment)


@pytest.mark.parametrize(
    ("address", "is_home"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True),
        ("[::1]", True), ("", False), ("0.0.0.0", False), ("::", False), ("10.0.0.7", False),
        ("localhost.example.org", False), ("2130706433", False),
    ],
)  # fmt: skip
def test_only_addresses_of_this_machine_are_loopback(address, is_home):
    assert is_loopback(address) is is_home


@pytest.mark.parametrize(
    ("options", "added"),
    [
        ([], ["--address", "localhost", *HOME]),
        (["--port", "0"], ["--address", "localhost"]),
        (["--address", "127.0.0.1"], HOME),
        (ORIGIN, ["--address", "localhost"]),
        ([*BEYOND, *ORIGIN, "--no-auth"], []),
        ([*BEYOND, *ORIGIN, "--auth-module", "mine.py"], ["--enable-xsrf-cookies"]),
        (["--unix-socket", "/tmp/s"], []),
    ],
)
def test_a_server_listens_on_this_machine_alone_unless_told_otherwise(options, added):
    assert guarded(options)[0] == [*options, *added]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (BEYOND, "give --allow-websocket-origin"),
        (["--address="], "give --allow-websocket-origin"),
        (["--addr", "::"], "give --allow-websocket-origin"),
        (["--address", "10.0.0.7", "--no-auth"], "give --allow-websocket-origin"),
        ([*BEYOND, "--allow-websocket-origin", "*", "--no-auth"], "lets any web page connect"),
        ([*BEYOND, *ORIGIN, "--allow-websocket-origin=*:80", "--no-auth"], "lets any web page"),
        ([*BEYOND, "--allow-websocket-origin=*.*", "--no-auth"], "lets any web page"),
        ([*BEYOND, *ORIGIN], "give --password-file FILE"),
        ([*BEYOND, *ORIGIN, "--no-auth", "--auth-module", "m.py"], "lets everyone in"),
        ([*BEYOND, *ORIGIN, "--password-file", "no/such"], "cannot be read"),
        (["--password-file", "f", "--auth-module", "m.py"], "not both"),
        (["--password-file", "f", "--no-auth"], "lets everyone in"),
        (["--allow-websocket-origin", "a:b:c"], "expected HOST"),
        (["--colour", "red"], r"unrecognized arguments: --colour\.$"),
        (["--prot", "5007"], r"unrecognized arguments: --prot\. Did you mean --port\?"),
        (["--pasword-file=f"], r"--pasword-file\. Did you mean --password-file\?"),
        (["--port", "5007", "a.headbrush"], "name the stores first"),
        (["--port", "http"], "invalid int value"),
    ],
)
def test_what_would_let_in_more_than_was_said_is_refused_in_one_line(options, expected):
    with pytest.raises(InputError, match=expected) as refusal:
        guarded(options)
    assert "\n" not in str(refusal.value)


def test_what_the_environment_says_counts_as_well(password_file):
    with pytest.raises(InputError, match="lets any web page connect"):
        guarded([*BEYOND, "--no-auth"], BOKEH_ALLOW_WS_ORIGIN="a.org,*")
    options = guarded([*BEYOND, *ORIGIN], HEADBRUSH_PASSWORD_FILE=str(password_file))[0]
    assert "--auth-module" in options
    assert guarded([*BEYOND, *ORIGIN], BOKEH_AUTH_MODULE="m.py")[0][-1] == "--enable-xsrf-cookies"


def test_a_password_brings_login_xsrf_and_secrets_that_all_processes_share(password_file):
    options, added = guarded([*BEYOND, *ORIGIN, "--password-file", str(password_file)])
    assert options[-3] == "--auth-module"
    assert options[-2].endswith("auth.py")
    assert options[-1] == "--enable-xsrf-cookies"
    assert added["HEADBRUSH_PASSWORD_FILE"] == str(password_file)
    assert added["BOKEH_SIGN_SESSIONS"] == "yes"
    assert len(added["BOKEH_COOKIE_SECRET"]) > 30
    assert len(added["BOKEH_SECRET_KEY"]) > 30


def test_secrets_that_were_given_are_kept(password_file):
    given = {"BOKEH_SECRET_KEY": "k", "BOKEH_COOKIE_SECRET": "c", "BOKEH_SIGN_SESSIONS": "no"}
    added = guarded(["--password-file", str(password_file)], **given)[1]
    assert set(added) == {"HEADBRUSH_PASSWORD_FILE"}
    added = guarded(["--password-file", str(password_file), "--cookie-secret", "c",
                     "--session-ids", "unsigned"])[1]  # fmt: skip
    assert set(added) == {"HEADBRUSH_PASSWORD_FILE"}


def test_a_hash_knows_its_password_and_no_other():
    line = hash_of("correct horse")
    assert "horse" not in line
    assert is_password("correct horse", line)
    assert not any(is_password(word, line) for word in ("", "correct hors", "Correct horse", "é"))
    assert line != hash_of("correct horse")


def test_a_password_file_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "password"
    path.write_text("old")
    path.chmod(0o644)
    write_password_file(path, "gärten 2026 ✿")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_password("gärten 2026 ✿", read_password_file(path))


@pytest.mark.parametrize(
    "content",
    ["", "secret", "scrypt$1,8,1$AAAA$AAAA", "scrypt$99999999999,8,1$AAAAAAAAAAAAAAAA$AAAA",
     "scrypt$x,8,1$$", "scrypt$32768,8,1$AAAAAAAAAAAAAAAA$AAAA", "\xff\x00",
     "$argon2id$v=19$m=65536,t=3,p=4$AAAA$AAAA"],
)  # fmt: skip
def test_what_is_no_password_file_is_refused(tmp_path, content):
    path = tmp_path / "password"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match="headbrush password"):
        read_password_file(path)


def test_a_short_password_is_refused(tmp_path):
    with pytest.raises(InputError, match="8 to 1024 characters"):
        write_password_file(tmp_path / "password", "1234567")
    assert not (tmp_path / "password").exists()


def test_after_five_guesses_an_address_waits_and_others_do_not():
    now = [100.0]
    attempts = Attempts(most=5, seconds=60, clock=lambda: now[0])
    for _ in range(5):
        assert attempts.wait("a") == 0
        attempts.count("a")
        now[0] += 1
    assert attempts.wait("a") == 55
    assert attempts.wait("b") == 0
    now[0] += 55
    assert attempts.wait("a") == 0
    attempts.count("a")
    assert attempts.wait("a") == 1
    attempts.forgive("a")
    assert attempts.wait("a") == 0
