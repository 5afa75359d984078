"""A process that stands by with all that jobs import, and forks for each job of a run on this machine.

In: the scripts of the run's jobs. Out: what they write, and how they ended. To import pandas, SciPy and
matplotlib takes longer than most jobs do; a fork has them. Where none stands by, as on the nodes of a
cluster, a script runs by itself.
"""

from __future__ import annotations

import atexit
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from pathlib import Path

ADDRESS = "TRIALPOOL_STANDBY"  # variable of the environment: where to ask
WAITING = 128  # jobs at most
STARTED = b"s"
LONGEST_PATH = 4096
# Modules, and what else takes time, in the order in which a run needs them; nothing here uses them.
PRELOADED = (
    *("trialpool.jobs", "pandas", "pyarrow.parquet", "pyarrow.dataset"),
    *(
        "snakemake.iocontainers",
        "snakemake.io",
        "snakemake.logging",
        "trialpool.protocol",
        "trialpool.evidence.read",
    ),
    *("trialpool.evidence.audit", "trialpool.evidence.summaries", "trialpool.evidence.compare"),
    *("matplotlib.figure", "trialpool.figures.forest", "trialpool.figures.save"),
    *("trialpool.figures.notes:read_template", "trialpool.synthesis.analyse:read_template"),
    *(f"trialpool.stats.{name}" for name in ("bayes", "dependent", "further_intervals", "sparse")),
    *(f"trialpool.figures.{name}" for name in ("curve", "influence", "moderators", "posterior", "funnel")),
    *("jsonschema", "trialpool.synthesis.claims", "trialpool.synthesis.published"),
    *("matplotlib.backends.backend_pdf", "trialpool.figures.review", "trialpool.view.reproduce"),
    *("trialpool.synthesis.network", "statsmodels.stats.multitest"),
    *("trialpool.page.page", "trialpool.page.render:compile_templates", "trialpool.provenance.crate"),
)


def stand_by() -> None:
    """Start the process, which ends with the one that calls; none where the machine has no such sockets."""
    folder = tempfile.mkdtemp(prefix="trialpool-")
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/socket")
            listener.listen(WAITING)
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(listener.fileno()), folder],
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
            )
    except (OSError, AttributeError):
        shutil.rmtree(folder, ignore_errors=True)
        return
    os.environ[ADDRESS] = f"{folder}/socket"
    atexit.register(_end, process, folder)


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    assert process.stdin
    process.stdin.close()
    process.wait()  # so that its time counts among that of the run
    shutil.rmtree(folder, ignore_errors=True)


def hand_over() -> None:
    """Have the script that calls this run by the process that stands by, and exit as it does there.

    Returns where there is none.
    """
    if not (address := os.environ.get(ADDRESS)):
        return
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(address)
            socket.send_fds(line, [os.path.abspath(sys.argv[0]).encode()], [1, 2])
            started = line.recv(1)
        except OSError:
            return
        if started:
            code = b""
            with suppress(OSError):
                code = line.recv(1)
            if not code:
                print("The job was killed, perhaps for want of memory.", file=sys.stderr)
            raise SystemExit(code[0] if code else 1)


def serve(listener: socket.socket, preloaded: Iterable[str]) -> None:
    """Fork for each job that asks; between jobs import what jobs will need; until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run that started this ends it
    waiting = iter(preloaded)
    with selectors.DefaultSelector() as events:
        events.register(listener, selectors.EVENT_READ)
        events.register(sys.stdin, selectors.EVENT_READ)
        more: str | None = ""
        while True:
            ready = [key.fileobj for key, _ in events.select(None if more is None else 0)]
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if sys.stdin in ready:  # the end of the run
                return
            if listener in ready:
                line, _ = listener.accept()
                with line:
                    if not os.fork():
                        listener.close()
                        _run(line)
            elif (more := next(waiting, None)) is not None:
                module, _, prepare = more.partition(":")
                imported = import_module(module)
                if prepare:
                    getattr(imported, prepare)()


def _run(line: socket.socket) -> None:
    """Run the script that is asked for, as a process of its own would."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.pop(ADDRESS, None)
        script, streams, *_ = socket.recv_fds(line, LONGEST_PATH, 2)
        line.sendall(STARTED)
        for own, stream in enumerate(streams, start=1):
            os.dup2(stream, own)
        sys.argv = [script.decode()]
        with suppress(OSError):  # so that lists of processes name the job
            Path("/proc/self/comm").write_text(Path(sys.argv[0]).suffixes[-2][1:], encoding="utf-8")
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        with suppress(OSError):
            line.sendall(bytes([code]))
        os._exit(code)


if __name__ == "__main__":
    try:
        serve(socket.socket(fileno=int(sys.argv[1])), PRELOADED)
    finally:
        shutil.rmtree(sys.argv[2], ignore_errors=True)
        os._exit(0)  # to take all modules apart takes longer
