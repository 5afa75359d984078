"""A process that stands by with all that jobs import, and forks for each job of a run on this machine.

In: the scripts of the run's jobs. Out: what they write, and how they ended. To import pandas, SciPy and
matplotlib takes longer than most jobs do; a fork has them. Where none stands by, as on the nodes of a
cluster, a script runs by itself.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import select
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

ADDRESS = "TRIALPOOL_STANDBY"  # variable of the environment: where to ask
WAITING = 128  # jobs at most
STARTED = b"s"
# The arrays are small: more threads only fight over the cores that Snakemake gives out, and harm a fork.
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Modules, and what else takes time, in the order in which a run needs them; nothing here uses them.
PRELOADED = (
    *("trialpool.jobs", "pandas", "pyarrow.parquet", "pyarrow.dataset", "trialpool.protocol"),
    *("snakemake.iocontainers", "snakemake.io", "snakemake.logging", "trialpool.evidence.read"),
    *("trialpool.evidence.audit", "trialpool.evidence.summaries", "trialpool.evidence.compare"),
    *("matplotlib.figure", "trialpool.figures.forest", "trialpool.figures.save"),
    *("trialpool.figures.notes:read_template", "trialpool.synthesis.analyse:read_template"),
    *(f"trialpool.stats.{name}" for name in ("bayes", "dependent", "further_intervals", "sparse")),
    *(f"trialpool.figures.{name}" for name in ("curve", "influence", "moderators", "posterior", "funnel")),
    *("jsonschema", "trialpool.synthesis.claims", "trialpool.synthesis.published"),
    *("matplotlib.backends.backend_pdf", "trialpool.figures.review", "trialpool.view.reproduce"),
    *("trialpool.synthesis.network", "trialpool.provenance.crate:template", "trialpool.vocabulary:general"),
    "trialpool.view.read:learn_forms",
)
# The same for jobs at the end; they would rather wait for it than those that keep all cores busy before.
LAST = (
    *("trialpool.page.page", "trialpool.page.readme", "trialpool.page.render:compile_templates"),
    *("scipy.optimize", "scipy.stats.distributions", "scipy.stats", "statsmodels.stats.multitest"),
)


_started: dict[str, subprocess.Popen[bytes]] = {}


@cache
def stand_by() -> None:
    """Start the process, once, which ends with this one; none where the machine has no such sockets."""
    if address := start("-m", __name__, variables=os.environ):
        os.environ[ADDRESS] = address


def stand_down() -> None:
    """End it, if there is one, for a run whose jobs are elsewhere."""
    stop(os.environ.pop(ADDRESS, ""))


def start(*program: str, variables: Mapping[str, str]) -> str | None:
    """Start a program of Python that serves at the address that is returned; None where no socket can be.

    It gets the listening socket's number and a folder to remove at its end. In a session of its own it can do
    so also when the whole group of the run is killed.
    """
    try:
        with ExitStack() as undone, socket.socket(socket.AF_UNIX) as listener:
            folder = tempfile.mkdtemp(prefix="trialpool-")
            undone.callback(shutil.rmtree, folder, ignore_errors=True)
            listener.bind(f"{folder}/socket")
            listener.listen(WAITING)
            process = subprocess.Popen(  # -P: a json.py in the folder of the review is none of Python's
                [sys.executable, "-P", *program, str(listener.fileno()), folder],
                env={**variables, **ONE_THREAD},
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
            undone.pop_all()
    except (OSError, AttributeError):
        return None
    address = f"{folder}/socket"
    _started[address] = process
    atexit.register(stop, address)
    return address


def stop(address: str) -> None:
    """End the program that serves at an address, if this process started one there that has not ended."""
    if process := _started.pop(address, None):
        assert process.stdin
        process.stdin.close()
        process.wait()  # so that its time counts among that of the run
        shutil.rmtree(os.path.dirname(address), ignore_errors=True)


def hand_over() -> None:
    """Have the script that calls this run by the process that stands by, and exit as it does there.

    Returns where there is none.
    """
    variables = dict(os.environ)
    if not (address := variables.pop(ADDRESS, "")):
        return
    try:
        code = ask(address, sys.argv, os.getcwd(), variables, (1, 2))
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
    if code is None:
        return
    if code < 0:
        why = ", perhaps for want of memory" if -code == signal.SIGKILL else ""
        print(f"The job was killed by signal {-code} ({signal.strsignal(-code)}){why}.", file=sys.stderr)
        code = 128 - code  # as shells say it
    raise SystemExit(code)


def ask(
    address: str, words: Sequence[str], folder: str, variables: Mapping[str, str], streams: Sequence[int]
) -> int | None:
    """Have a script run by the process that stands by at `address`; it is stopped when who asks ends first.

    `words` are its path and arguments, `variables` its whole environment, `streams` where its output and its
    errors go. Returns its exit code, or the negative number of the signal that killed it; None, with nothing
    run, where none stands by.
    """
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(address)
            socket.send_fds(line, [STARTED], streams)
            line.sendall(json.dumps([words, folder, variables]).encode() + b"\n")
            if not line.recv(1):
                return None
        except OSError:
            return None
        with suppress(OSError), line.makefile() as told:
            return int(told.readline() or -signal.SIGKILL)
    return -signal.SIGKILL


def serve(listener: socket.socket, preloaded: Iterable[str]) -> None:
    """Fork for each script that is asked for; else import what they will need; until standard input ends."""
    waiting = iter(preloaded)
    more = next(waiting, None)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with selectors.DefaultSelector() as events:
        events.register(listener, selectors.EVENT_READ)
        events.register(sys.stdin, selectors.EVENT_READ)
        while True:
            idle = len(events.get_map()) - 2 < cores  # besides what is registered above, the jobs that run
            importing = more is not None and (idle or more not in LAST)
            ready = [key for key, _ in events.select(0 if importing else None)]
            if any(key.fileobj is sys.stdin for key in ready):  # the end of the run
                return
            for key in ready:
                if key.data:  # the pipe closed with the process
                    process, line = key.data
                    events.unregister(key.fileobj)
                    os.close(key.fd)
                    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
                    with suppress(OSError), line:
                        line.sendall(f"{code}\n".encode())
                else:
                    line, _ = listener.accept()
                    ended, end = os.pipe()
                    if not (process := os.fork()):
                        gc.freeze()  # all that is imported would be looked through at once: 0.1 s a job
                        gc.enable()
                        listener.close()
                        _run(line)
                    os.close(end)
                    events.register(ended, selectors.EVENT_READ, (process, line))
            if more is not None and importing and not ready:
                prepare(more)
                more = next(waiting, None)


def prepare(name: str) -> None:
    """Import a module and, after a colon, call a function of it."""
    module, _, function = name.partition(":")
    imported = import_module(module)
    if function:
        getattr(imported, function)()


def _run(line: socket.socket) -> NoReturn:
    """Run the script that is asked for, as a process of its own would, and end."""
    try:
        _, streams, *_ = socket.recv_fds(line, len(STARTED), 2)
        with line.makefile() as asked:
            sys.argv, folder, variables = json.loads(asked.readline())
        line.sendall(STARTED)
    except (OSError, ValueError):  # who asked is gone
        os._exit(1)
    code: int | str | None = 1
    job = os.getpid()
    try:
        _become(line, streams, folder, variables)
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    except BaseException:
        traceback.print_exc()
    finally:
        status = (code if isinstance(code, int) else int(code is not None)) & 0xFF
        try:
            if isinstance(code, str):
                print(code, file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            if os.getpid() == job:  # no fork of it, which ends here as well
                line.sendall(f"{status}\n".encode())  # also while who stands by imports a module
        finally:
            os._exit(status)


def _become(line: socket.socket, streams: list[int], folder: str, variables: dict[str, str]) -> None:
    """Take on what the asker is: the end of its line, its streams, folder, environment and name."""
    threading.Thread(target=_end_with, args=(line, os.dup(0)), daemon=True).start()
    for own, stream in enumerate([os.open(os.devnull, os.O_RDONLY), *streams]):
        os.dup2(stream, own)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = None  # as the environment says
    script = sys.argv[0]
    if not variables.get("PYTHONSAFEPATH"):
        sys.path.insert(0, os.path.dirname(script))
    with suppress(OSError):  # so that lists of processes name the job
        Path("/proc/self/comm").write_text(Path(script).stem.rpartition(".")[2], encoding="utf-8")


def _end_with(line: socket.socket, run: int) -> None:
    """Stop this process when the one that asked for it, or the run, is gone: neither says anything more."""
    select.select([line.fileno(), run], [], [])
    os.kill(os.getpid(), signal.SIGTERM)


def main(preloaded: Iterable[str]) -> None:
    """Serve, as the program that `start` has started."""
    gc.disable()  # what is imported stays: to look for garbage among it takes a sixth of the time
    number, folder = sys.argv[1:3]
    try:
        serve(socket.socket(fileno=int(number)), preloaded)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)  # to take all modules apart takes longer


if __name__ == "__main__":
    main((*PRELOADED, *LAST))
