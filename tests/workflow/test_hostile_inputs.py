"""Files made to break a reader, folders made to lead astray: refused in words, in bounds, nothing touched."""

import copy
import gzip
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from trialpool.contracts import STUDIES
from trialpool.errors import InputError
from trialpool.evidence import read
from trialpool.evidence.read import examine
from trialpool.protocol import load_protocol
from trialpool.yaml_files import read_yaml

from .conftest import MINI

CONFIG = yaml.safe_load((MINI / "config.yaml").read_text(encoding="utf-8"))
CONFIG["instruments"] = str(MINI / "instruments.yaml")
MEGABYTE = 2**20

HOSTILE = {
    "nested lists": b"a: " + b"[" * 100_000 + b"]" * 100_000,
    "nested maps": b"".join(b" " * depth + b"a:\n" for depth in range(2_000)),
    "nested dashes": b"- " * 20_000 + b"x\n",
    "a call": b"a: !!python/object/apply:os.system [id]\n",
    "an object": b"a: !!python/object:os.stat_result {}\n",
    "aliases": b"a: &a [x, x]\nb: [*a, *a]\n",
    "a merge": b"a: &x {b: 1}\nc:\n  <<: *x\n",
    "month 13": b"a: 2020-13-45\n",
    "a number without end": b"a: " + b"9" * 10_000 + b"\n",
    "no timestamp": b"a: !!timestamp x\n",
    "a list as key": b"? [a, b]\n: 1\n",
    "a key twice": b"a: 1\na: 2\n",
    "two documents": b"a: 1\n---\nb: 2\n",
    "NUL": b"a: b\x00c\n",
    "gzip": gzip.compress(b"a: 1\n"),
    "UTF-16": "a: 1\n".encode("utf-16"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_yaml_file_is_refused_in_words(name, tmp_path):
    """In a process of its own: the parser's crash would take the tests along."""
    file = tmp_path / "hostile.yaml"
    file.write_bytes(HOSTILE[name])
    code = (
        "import sys; from trialpool.errors import InputError; from trialpool.yaml_files import read_yaml\n"
        "try: read_yaml(sys.argv[1])\n"
        "except InputError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "hostile.yaml" in done.stdout
    assert "To mend:" in done.stdout
    assert len(done.stdout) < 2_000
    assert [path.name for path in tmp_path.iterdir()] == ["hostile.yaml"]


def test_a_file_as_deep_as_any_of_ours_is_read(tmp_path):
    file = tmp_path / "deep.yaml"
    file.write_text("a: " + "[" * 40 + "]" * 40, encoding="utf-8")
    assert read_yaml(file)[0]["a"] is not None


@pytest.mark.parametrize("content", [b"x" * 100 * MEGABYTE, b"," * 100 * MEGABYTE], ids=["a cell", "cells"])
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is read from /proc")
def test_a_huge_line_is_refused_within_bounded_memory(content, tmp_path):
    file = tmp_path / "studies.csv"
    file.write_bytes(",".join(STUDIES.names).encode() + b"\n" + content + b"\n")
    code = (
        "import sys; from trialpool.evidence.read import read_raw\n"
        "from trialpool.contracts import STUDIES\n"
        "print(read_raw(sys.argv[1], STUDIES).faults[0])\n"
        # not ru_maxrss: a child process begins with the peak of the one that started it
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=True)
    told, kilobytes = done.stdout.splitlines()
    assert "studies.csv, row 2: a line has more than 16,777,216 characters" in told
    assert int(kilobytes) < 1_000_000


def test_a_table_beyond_all_measure_is_refused_unread(tmp_path):
    file = tmp_path / "studies.csv"
    with file.open("wb") as stream:
        stream.truncate(read.LARGEST_FILE + 1)  # sparse: takes no room
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (fault,) = read.read_raw(file, STUDIES).faults
    assert "more than 536,870,912" in fault.problem
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize(
    "damage", [gzip.compress, lambda content: content + b"x" * 20_000 + b"\x00\n"], ids=["gzip", "late NUL"]
)
def test_a_table_that_is_no_text_is_refused(damage, tmp_path):
    for file in (MINI / "raw").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "arms.csv").write_bytes(damage((tmp_path / "arms.csv").read_bytes()))
    assert any("arms.csv: the file is not text" in str(fault) for fault in examine(tmp_path)[1])


@pytest.mark.parametrize(
    ("key", "folder"),
    [
        *[(key, "raw") for key in ("processed", "results")],
        *[
            (key, folder)
            for key in ("processed", "results")
            for folder in ("raw/x", "./raw/../raw", ".", "..")
        ],
        *[("results", folder) for folder in ("processed", "processed/x", "link", "link/x")],
        *[(key, "a{b}") for key in ("evidence", "processed", "results")],
        *[("results", folder) for folder in ("*", "a\x00b", "a\nb", "\u202e", " ", "x ")],
    ],
)
def test_a_folder_that_would_overwrite_or_mislead_is_refused(key, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink("raw", "link")
    (tmp_path / "raw").mkdir()
    with pytest.raises(InputError, match=rf"{key}.*To mend"):
        load_protocol({**copy.deepcopy(CONFIG), key: folder})


@pytest.mark.parametrize("folder", ["/elsewhere/out", "../beside", "with space/ä", "raw-results"])
def test_any_other_folder_is_taken(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_protocol({**CONFIG, "results": folder}).results == folder


def everything(folder):
    """Every file and link around a review, with its bytes."""
    return {
        path.relative_to(folder).as_posix(): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or path.is_file()) and ".snakemake" not in path.parts
    }


@pytest.mark.workflow
@pytest.mark.parametrize("lines", ["results: raw", "results: link/out", "processed: ..", 'results: "{x}"'])
def test_a_run_with_such_a_folder_touches_nothing_around_it(fresh_review, lines):
    around = fresh_review.folder.parent
    os.symlink("raw", fresh_review.folder / "link")
    key = lines.split(":")[0]
    fresh_review.edit("config.yaml", f"{key}: {key}", lines)
    before = everything(around)
    completed = fresh_review.run()
    assert completed.returncode != 0
    told = completed.stdout + completed.stderr
    assert key in told
    assert "To mend" in told
    assert "Traceback" not in told
    assert everything(around) == before


def test_the_examples_stay_in_their_place():
    assert Path(CONFIG["instruments"]).is_file()
    assert set(load_protocol(CONFIG).analyses) == set(CONFIG["analyses"])
