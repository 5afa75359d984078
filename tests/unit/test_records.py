"""Records are what result.json holds: read back they are equal, and what does not fit is refused."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest

from trialpool import io
from trialpool.records import (
    RESULT_VERSION,
    Appraisal,
    Network,
    Record,
    Status,
    from_json,
    result_schema,
    to_json,
)

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


def test_the_schema_of_results_is_that_of_the_records():
    """After a change of a record: python -m trialpool.records > …/schemas/result.schema.json.

    Where a reader of result.json must change with it, RESULT_VERSION grows, and CHANGELOG.md says so.
    """
    file = files("trialpool") / "schemas" / "result.schema.json"
    assert json.loads(file.read_text(encoding="utf-8")) == result_schema()


def test_shipped_results_keep_to_the_schema_and_others_do_not():
    from jsonschema import Draft202012Validator

    schema = result_schema()
    Draft202012Validator.check_schema(schema)
    shape = Draft202012Validator(schema)
    assert RESULTS
    for path in RESULTS:
        assert list(shape.iter_errors(io.read_json(path))) == [], path
    whole = io.read_json(RESULTS[0])
    for damage in ({"k": "three"}, {"status": "perhaps"}, {"more": 1}, {"studies": [{}]}):
        assert not shape.is_valid(whole | damage), damage
    del whole["methods"]
    assert not shape.is_valid(whole)


def test_the_changelog_names_the_version_of_results():
    text = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"`result.json`, version {RESULT_VERSION}" in text
