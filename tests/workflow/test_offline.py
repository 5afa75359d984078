"""No rule needs a network: the whole review runs where there is none."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.workflow

ALONE = ("unshare", "--map-root-user", "--net")
INTERFACES = "import socket; print(*(name for _, name in socket.if_nameindex()))"


@pytest.fixture(scope="module")
def without_network():
    """The words before a command that take its network away."""
    try:
        seen = subprocess.run(
            [*ALONE, sys.executable, "-c", INTERFACES], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        pytest.skip("unshare (util-linux) is not installed")
    if seen.returncode:
        pytest.skip(f"this machine does not let a test take the network away: {seen.stderr.strip()}")
    assert set(seen.stdout.split()) <= {"lo"}
    return ALONE


def test_the_whole_review_runs_without_a_network(finished_review, fresh_review, without_network):
    completed = fresh_review.run(before=without_network)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert fresh_review.results() == finished_review.results()
