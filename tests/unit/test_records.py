"""Records are what result.json holds: read back they are equal, and what does not fit is refused."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from trialpool import io
from trialpool.records import Appraisal, Network, Record, Status, from_json, to_json

RESULTS = sorted(Path("results/analyses").glob("*/result.json"))


@pytest.mark.parametrize("path", RESULTS[::10], ids=lambda path: path.parent.name)
def test_a_record_read_written_and_read_again_is_the_same(path: Path) -> None:
    record = from_json(Record, io.read_json(path))
    assert isinstance(record.status, Status)
    assert from_json(Record, io.canonical(to_json(record))) == record


@pytest.mark.parametrize(
    ("change", "place"), [({"k": "five"}, r"\$\.k"), ({"status": "pooling"}, r"\$\.status")]
)
def test_what_does_not_fit_is_refused_with_its_place(change: dict[str, object], place: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=place):
        from_json(Record, io.read_json(RESULTS[0]) | change)


def test_a_missing_part_is_refused() -> None:
    record = io.read_json(RESULTS[0])
    del record["robustness"]
    with pytest.raises(msgspec.ValidationError, match="robustness"):
        from_json(Record, record)


@pytest.mark.parametrize("path", sorted(Path("results/networks").glob("*/result.json")), ids=str)
def test_a_network_read_and_written_is_the_same_file(path: Path) -> None:
    stored = io.read_json(path)
    written = to_json(from_json(Network, stored))
    assert json.dumps(written) == json.dumps(stored)


def test_the_appraisal_read_and_written_is_the_same_file() -> None:
    stored = io.read_json("results/appraisal.json")
    assert json.dumps(to_json(from_json(Appraisal, stored))) == json.dumps(stored)


def test_a_result_read_and_written_is_the_same_file() -> None:
    stored = io.read_json(RESULTS[0])
    assert json.dumps(to_json(from_json(Record, stored))) == json.dumps(stored)
