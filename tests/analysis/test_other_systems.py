"""What Windows lacks is not needed to analyze, to read a store and to report."""

import json
import subprocess
import sys
from pathlib import Path

from tests.models import save_images, save_tiny_model

ROOT = Path(__file__).parent.parent.parent
LESS = """
import json, os, signal, sys
import psutil  # its part for Linux needs resource; that for Windows does not
for name in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"):
    sys.modules[name] = None  # importing it fails
for name in ("SIGKILL", "SIGALRM", "SIGHUP", "SIGCONT", "setitimer", "alarm"):
    delattr(signal, name)
for name in ("fork", "getuid", "geteuid", "pathconf", "mkfifo", "killpg"):
    delattr(os, name)
from headbrush.cli import app
for words in json.loads(sys.argv[1]):
    app(words, standalone_mode=False)
"""


def test_an_analysis_info_and_report_need_nothing_that_windows_lacks(tmp_path):
    model, images = save_tiny_model(tmp_path / "model"), save_images(tmp_path / "images")
    words = ("--model", model, "--images", images, "--limit", 3)
    commands = (
        ("analyze", *words, "--out", tmp_path / "s", "--importance", "gradient"),
        ("info", tmp_path / "s"),
        ("report", tmp_path / "s", "--out", tmp_path / "report.html"),
    )
    line = [sys.executable, "-c", LESS, json.dumps(commands, default=str)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "report.html").is_file()
