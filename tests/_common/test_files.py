"""Files are written whole: killed at any moment, each is the old one or the new one."""

import os
import stat
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from gaussflow._common import files
from gaussflow._common.files import write_files
from gaussflow.layers import Elliptical
from gaussflow.persistence import save
from gaussflow.tabular import Schema

# Writes two files again and again, and dies at the 1st, 2nd, ... call that the
# interpreter tells of, until it lives through all: then it prints their number.
KILLED = """
import os, runpy, signal, sys
write = runpy.run_path(sys.argv[1])["write_files"]
for k in range(1, 1000):
    for name in "ab":
        with open(name, "w") as file:
            file.write("old " * 9999)
    child = os.fork()
    if not child:
        calls = [0]
        def hook(event, args):
            calls[0] += 1
            if calls[0] == k:
                os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        write({"a": "new " * 9999, "b": lambda file: file.write(b"new " * 9999)})
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    for name in "ab":
        with open(name) as file:
            assert file.read() in ("old " * 9999, "new " * 9999), (k, name)
print(k)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment_each_file_is_old_or_new(tmp_path):
    argv = [sys.executable, "-c", KILLED, files.__file__]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 8  # two files opened, given a mode, renamed
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text() == "new " * 9999


WRITERS = {
    "text": lambda path: write_files({path: "new"}),
    "model": lambda path: save(Elliptical().fit(np.eye(3)), path),
    "schema": lambda path: Schema.infer(pd.DataFrame({"a": [1.5, 2, 3]})).save(path),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_file_keeps_its_mode_and_its_link(write, tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to("target")
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() != b"old"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["link", "target"]


def test_a_new_file_has_the_mode_of_any_other(tmp_path):
    (tmp_path / "other").write_text("")
    write_files({tmp_path / "new": "text"})
    modes = {stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("n_good", [0, 1])
def test_a_rename_that_fails_is_told_with_what_was_done(n_good, tmp_path, monkeypatch):
    targets = [tmp_path / "a", tmp_path / "b"]
    for target in targets:
        target.write_text("old")
    replace, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        if len(calls) == n_good + 1:
            raise OSError(28, "disk is full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="disk is full") as caught:
        write_files(dict.fromkeys(targets, "new"))
    assert ("new already" in str(caught.value)) == bool(n_good)
    assert [t.read_text() for t in targets] == ["new"] * n_good + ["old"] * (2 - n_good)
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_content_that_fails_leaves_everything_as_it_was(tmp_path):
    def failing(file):
        file.write(b"half")
        raise KeyboardInterrupt

    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_files({tmp_path / "a": "new", tmp_path / "b": failing})
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_device_is_written_into():
    write_files({os.devnull: "text"})
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
