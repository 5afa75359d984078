"""The process that stands by: a script runs in a fork of it, or by itself, with the same output and end."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

from trialpool import standby

SCRIPT = """
from trialpool.standby import hand_over
hand_over()
import os, signal, sys
print("pandas" in sys.modules, os.environ.get("TRIALPOOL_STANDBY"), flush=True)
print("a warning", file=sys.stderr)
"""
RUN = """
import os, sys, time
from trialpool.standby import stand_by
stand_by()
print(os.environ["TRIALPOOL_STANDBY"], flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _interruptible():
    """Also where tests run in the background, for which shells have interrupts ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run(tmp_path):
    """A run in the folder of a review, with a process that stands by, and where to ask it."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", RUN],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    process.address = process.stdout.readline().strip()
    yield process
    process.kill()
    process.wait()


def start(folder, more="", address=""):
    """A script as Snakemake runs it."""
    path = folder / ".snakemake" / "scripts" / "tmp1.some_job.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPT + more, encoding="utf-8")
    variables = {**os.environ, "OF_THE_JOB": "1", "TMPDIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, str(path)],
        cwd=folder,
        env=variables | ({"TRIALPOOL_STANDBY": address} if address else {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def script(folder, more="", address=""):
    """What a script says when it has ended."""
    process = start(folder, more, address)
    said = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, *said)


def until(true):
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def alive(process):
    """Whether a process, no child of this one, does still run."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_script_runs_in_a_fork_that_has_what_jobs_import(run, tmp_path):
    until(lambda: script(tmp_path, address=run.address).stdout == "True None\n")
    done = script(tmp_path, "sys.exit(7)", run.address)
    assert (done.returncode, done.stderr) == (7, "a warning\n")
    done = script(tmp_path, "sys.exit('no')", run.address)
    assert (done.returncode, done.stderr) == (1, "a warning\nno\n")
    done = script(tmp_path, "1 / 0", run.address)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert script(tmp_path, "", run.address).returncode == 0


def test_the_end_of_a_fork_of_a_job_is_not_that_of_the_job(run, tmp_path):
    done = script(tmp_path, "os.fork() or sys.exit(7)\nos.wait(); print('whole')", run.address)
    assert (done.returncode, done.stdout.splitlines()[1:]) == (0, ["whole"])


def test_a_job_that_closes_its_output_harms_nothing_that_it_was_told_of(run, tmp_path):
    (tmp_path / "results").mkdir()
    path = tmp_path / "some_job.py"
    path.write_text("import sys; sys.stdout.close(); sys.exit(3)", encoding="utf-8")
    words = [str(path), "x", str(tmp_path / "results")]
    assert standby.ask(run.address, words, str(tmp_path), dict(os.environ), (1, 2)) == 3
    assert (tmp_path / "results").exists()


def test_none_stands_by_where_no_folder_can_be_made(tmp_path, monkeypatch):
    monkeypatch.setattr(standby.tempfile, "mkdtemp", lambda **kind: (tmp_path / "no" / "folder").mkdir())
    assert standby.start("-c", "", variables=os.environ) is None


def test_a_script_runs_by_itself_where_none_stands_by(tmp_path):
    for address in ("", str(tmp_path / "gone")):
        done = script(tmp_path, "sys.exit(7)", address)
        assert (done.returncode, done.stderr, done.stdout.split()[0]) == (7, "a warning\n", "False")


AROUND = """
import json, tempfile
variables = {**os.environ, "TRIALPOOL_STANDBY": None, "LC_CTYPE": None}
handlers = [str(signal.getsignal(number)) for number in sorted(signal.valid_signals() - {32, 33})]
blocked = [*map(str, signal.pthread_sigmask(signal.SIG_BLOCK, ()))]
places = sys.path, sys.argv, os.getcwd(), tempfile.gettempdir()
import gc
print(json.dumps([places, variables, handlers, blocked, gc.isenabled(), sys.stdin.read()]))
"""


def test_a_script_finds_around_it_what_it_finds_by_itself(run, tmp_path):
    def around(address):
        return json.loads(script(tmp_path, AROUND, address).stdout.splitlines()[-1])

    assert around(run.address) == around("")


def test_a_file_in_the_folder_of_the_review_is_taken_for_no_module(tmp_path, request):
    for name in ("json.py", "pandas.py", "selectors.py", "trialpool/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("raise SystemExit('not me')", encoding="utf-8")
    address = request.getfixturevalue("run").address
    until(lambda: script(tmp_path, address=address).stdout == "True None\n")


THREADS = """
import numpy
numpy.ones((500, 500)) @ numpy.ones((500, 500))
for process in (os.getpid(), os.getppid()):
    names = [open(f"/proc/{process}/task/{name}/comm").read() for name in os.listdir(f"/proc/{process}/task")]
    print(sum("jemalloc" not in name for name in names))  # that of pyarrow, which knows of forks
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_linear_algebra_has_no_threads_that_a_fork_would_break(monkeypatch, tmp_path, request):
    for variable in standby.ONE_THREAD:
        monkeypatch.setenv(variable, "4")
    address = request.getfixturevalue("run").address
    until(lambda: "'trialpool.provenance.crate'" in script(tmp_path, "print([*sys.modules])", address).stdout)
    # the second in the fork waits for the end of who asked
    assert script(tmp_path, THREADS, address).stdout.splitlines()[1:] == ["2", "1"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "signal 9 (Killed), perhaps for want of memory"),
        (signal.SIGTERM, "signal 15 (Terminated)"),
        (signal.SIGINT, "signal 2 (Interrupt)"),
        (signal.SIGSEGV, "signal 11 (Segmentation fault)"),
    ],
)
def test_a_job_that_is_killed_is_told(run, tmp_path, number, words):
    done = script(tmp_path, f"os.kill(os.getpid(), {number:d}); import time; time.sleep(60)", run.address)
    assert done.returncode == 128 + number
    assert done.stderr == f"a warning\nThe job was killed by {words}.\n"


@pytest.mark.parametrize("who", ["who asked", "the run", "the group of the run"])
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_job_ends_with_who_asked_and_with_the_run(run, tmp_path, who, how):
    asked = start(tmp_path, "print(os.getpid(), flush=True); signal.pause()", run.address)
    job = [asked.stdout.readline(), int(asked.stdout.readline())][1]
    if who == "who asked":
        asked.send_signal(how)
    elif who == "the run":
        run.send_signal(how)
    else:
        os.killpg(run.pid, how)
    until(lambda: not alive(job))
    assert asked.wait(60) != 0
    assert "Traceback" not in asked.communicate()[1]


SLOW = """
import pathlib, time

def until(name, seconds):
    end = time.monotonic() + seconds
    while not pathlib.Path(name).exists() and time.monotonic() < end:
        yield "time"

def a_long_import():
    for _ in until("told", 20):
        time.sleep(0.05)
    pathlib.Path("imported").touch()
"""
WITH_A_LONG_IMPORT = """
from slow import until
from trialpool.standby import main
main(name for names in (until("started", 60), ["slow:a_long_import"]) for name in names)
"""


def test_the_end_of_a_job_is_told_also_while_something_is_imported(tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    address = standby.start("-c", WITH_A_LONG_IMPORT, variables=os.environ)
    job = "import pathlib, time; pathlib.Path('started').touch(); time.sleep(0.5); sys.exit(7)"
    assert script(tmp_path, job, address).returncode == 7
    assert not (tmp_path / "imported").exists()
    (tmp_path / "told").touch()
    standby.stop(address)
    assert not os.path.exists(address)


ON_ONE_CORE = """
import os
from slow import until
from trialpool import standby
os.sched_setaffinity(0, [*os.sched_getaffinity(0)][:1])
standby.LAST = ("slow:mark",)
standby.main(name for names in (until("started", 60), ["slow:mark"]) for name in names)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process cannot be kept to one core here")
def test_what_the_last_jobs_need_waits_for_an_idle_core(tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text(f"{SLOW}\nmark = pathlib.Path('imported').touch\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    address = standby.start("-c", ON_ONE_CORE, variables=os.environ)
    job = "import pathlib, time; pathlib.Path('started').touch(); time.sleep(0.5)"
    job += "; sys.exit(7 if pathlib.Path('imported').exists() else 0)"
    assert script(tmp_path, job, address).returncode == 0
    until((tmp_path / "imported").exists)
    standby.stop(address)


def test_one_stands_by_until_it_is_sent_away(tmp_path):
    said = """
import os
from trialpool.standby import ADDRESS, stand_by, stand_down
stand_by()
address = os.environ[ADDRESS]
stand_by()
print(os.environ[ADDRESS] == address, os.path.exists(address))
stand_down()
print(ADDRESS in os.environ, os.path.exists(address))
stand_down()
"""
    command = [sys.executable, "-P", "-c", said]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "True True\nFalse False\n"


@pytest.mark.parametrize("how", ["ends", "is killed", "is killed with its group"])
def test_it_ends_with_the_run(run, tmp_path, how):
    assert script(tmp_path, "", run.address).returncode == 0
    folder = os.path.dirname(run.address)
    if how == "ends":
        run.communicate()
    else:
        (os.killpg if "group" in how else os.kill)(run.pid, signal.SIGKILL)
    until(lambda: not os.path.exists(folder))
    assert script(tmp_path, "", run.address).stdout.startswith("False")


def test_all_that_it_prepares_is_there():
    for name in (*standby.PRELOADED, *standby.LAST):
        module, _, prepare = name.partition(":")
        assert not prepare or callable(getattr(import_module(module), prepare))
