"""Runs of Snakemake as forks of a process that has imported it and what jobs import, once for many tests.

What a user starts, `python -m snakemake` with a process that stands by for its jobs, is `Review.start`. It
costs several seconds of imports a run, which say nothing of the review. So a run in which nothing but the
review matters is a fork instead, in its own folder and environment, and so is each of its jobs, without a
shell and a Python between; this file is the script that it runs. What asks for other settings of Python, a
kill or a limit takes the command, and so does the run with whose bytes all others are compared.
"""

import atexit
import os
import subprocess
import sys
import tempfile
from functools import cache

from trialpool import standby

SERVER = """
import gc
from trialpool import standby
for name in ("snakemake.cli", *standby.PRELOADED, *standby.LAST):
    standby.prepare(name)
gc.freeze()
standby.main(())
"""


def run(root, options, folder, variables):
    """Code, output and errors of a run by the code in `root`; its modules are those of the first such run."""
    address = server(root)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        streams = output.fileno(), errors.fileno()
        words = [__file__, *map(str, options)]
        code = standby.ask(address, words, str(folder), {**variables, standby.ADDRESS: address}, streams)
        assert code is not None, "the process that runs are forked from has ended"
        for stream in (output, errors):
            stream.seek(0)
        return code, output.read().decode(), errors.read().decode()


@cache
def server(root):
    """Where to ask for forks with the code in `root`; ends with the tests."""
    variables = {**os.environ, "PYTHONPATH": str(root / "workflow" / "src")}
    return standby.start("-c", SERVER, variables=variables)


def as_the_command():
    """`python -m snakemake` in this fork; the process that it is a fork of runs its jobs as well."""
    from snakemake.cli import main
    from snakemake.script import PythonScript

    address = os.environ.pop(standby.ADDRESS)

    def execute(self, file, edit=False):
        variables = {**os.environ, **standby.ONE_THREAD}
        code = standby.ask(address, [file], os.getcwd(), variables, (1, 2))
        if code != 0:
            raise subprocess.CalledProcessError(code, file)

    sys.path[0] = os.getcwd()
    sys.orig_argv = [sys.executable, "-m", "snakemake", *sys.argv[1:]]
    standby.stand_by = lambda: None
    PythonScript.execute_script = execute
    try:
        main()
    finally:
        atexit._run_exitfuncs()  # the end of a fork is none of the interpreter


if __name__ == "__main__":
    as_the_command()
