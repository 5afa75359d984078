"""What every Snakemake script needs: one log, and errors told to a person instead of a traceback."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The arrays are small: more BLAS threads than one only fight over the cores that Snakemake has given out.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

# Any other error of the system (a file that is not there) is ours, and keeps its traceback.
NO_ROOM_OR_LEAVE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
MEND = "To mend: make room on the disk, or give permission to write there."


@contextmanager
def reported(log: str | Path) -> Iterator[None]:
    """Run a job's work; write what went wrong to its log and to the terminal, and stop with exit code 1.

    Faults of the input are told in their own words; anything else keeps its traceback, because it is ours.
    """
    from trialpool.errors import InputError

    message = ""
    try:
        yield
    except InputError as error:
        message = str(error)
    except OSError as error:
        where = f"{error.filename or 'a file'}: {error.strerror or error}."
        message = f"{where} {MEND}" if error.errno in NO_ROOM_OR_LEAVE else traceback.format_exc()
    except Exception:
        message = traceback.format_exc()
    try:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        Path(log).write_text(message + "\n" if message else "", encoding="utf-8")
    except OSError as error:
        message = message or f"{log}: {error.strerror}. {MEND}"
    if message:
        print(message, file=sys.stderr)
        raise SystemExit(1)
