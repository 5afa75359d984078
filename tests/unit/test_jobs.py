"""What a job tells a person: the input's faults and a full disk in words, our own errors with a traceback."""

import errno

import pytest

from trialpool.errors import Fault, InputError
from trialpool.jobs import reported


@pytest.mark.parametrize(
    ("error", "said", "unsaid"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), "x.csv: No space left", "Traceback"),
        (FileNotFoundError(errno.ENOENT, "No such file", "d"), "Traceback", "make room"),
        (
            InputError([Fault("a.csv", 2, "n", "x", "not a number", "correct it")]),
            "a.csv, row 2",
            "Traceback",
        ),
        (ValueError("ours"), "ValueError: ours", "make room"),
    ],
)
def test_an_error_is_told_for_what_it_is(error, said, unsaid, tmp_path, capsys):
    log = tmp_path / "logs" / "job.log"
    with pytest.raises(SystemExit), reported(log):
        raise error
    told = log.read_text(encoding="utf-8")
    assert said in told
    assert unsaid not in told
    assert told.strip() in capsys.readouterr().err
