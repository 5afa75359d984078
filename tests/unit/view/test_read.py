"""Records with their appraisal, and records of which only some fields are known."""

import msgspec
import pytest

from tests.unit.page import demo
from trialpool import io
from trialpool.records import Restricted, Status, sketch, to_json
from trialpool.view.read import Appraised, read_records


def test_a_record_is_joined_by_what_the_appraisal_says_of_it(tmp_path):
    certainty = {"level": "low", "suggested": "low", "domains": []}
    certainty |= {"unread": "1 of 2 known trials", "unread_share": 40.0, "size": "small"}
    io.write_json(tmp_path / "a.json", to_json(demo.record("a")))
    appraisal = {"analyses": {"a": {"certainty": certainty, "absolute": None}}}
    (record,) = read_records([tmp_path / "a.json"], appraisal)
    assert (record.analysis, record.k, to_json(record.certainty)) == ("a", 3, certainty)
    (bare,) = read_records([tmp_path / "a.json"])
    assert bare.certainty is None


def test_a_record_that_lacks_a_part_is_refused(tmp_path):
    io.write_json(tmp_path / "a.json", demo.raw_record())
    with pytest.raises(msgspec.ValidationError):
        read_records([tmp_path / "a.json"])


@pytest.mark.parametrize("most", [1, 9])
def test_equal_texts_of_very_many_records_are_one_object(most, tmp_path, monkeypatch):
    monkeypatch.setattr(io, "MOST_QUESTIONS", most)
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path in paths:
        io.write_json(path, {"rows": [{"label": "Lu 2020, a trial"}], "k": 1})
    first, second = io.read_records(paths)
    assert first == second == {"rows": [{"label": "Lu 2020, a trial"}], "k": 1}
    assert (first["rows"][0]["label"] is second["rows"][0]["label"]) is (most < len(paths))


def test_what_is_not_known_is_empty():
    record = sketch(Appraised, {"studies": [{"label": "A"}], "mcid": {"value": 2}})
    assert (record.title, record.studies[0].cautions, record.mcid.unit) == ("", (), "")
    assert (record.pooled, record.studies[0].weeks, record.known) == (None, None, ())


def test_a_dose_gives_a_record_of_its_trials():
    sizes = {"k": 1, "n_experimental": 10, "n_control": 12}
    part = demo.record().restricted(sketch(Restricted, {"status": "single_study", **sizes}))
    assert (part.status, part.k, part.pooled) == (Status.SINGLE_STUDY, 1, None)
    whole = demo.record()
    assert whole.restricted(None) is whole
