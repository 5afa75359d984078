"""New trials of a review: which are new, which are known, which are not whole; tables with their rows."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import trialpool.update
from trialpool import io
from trialpool.cli import main
from trialpool.contracts import EVIDENCE, TABLES
from trialpool.errors import InputError
from trialpool.exchange.double_extraction import read_extraction
from trialpool.protocol import load_protocol
from trialpool.update import Question, Update, incoming, sort, with_rows
from trialpool.yaml_files import read_yaml

MINI = Path(__file__).parents[1] / "workflow" / "mini"
OWN = read_extraction(MINI / "raw").rows
NEW = {
    "studies": [{"study_id": "Zeta2026", "doi": "10.1000/zeta", "condition": "DPN", "design": "parallel"}],
    "arms": [
        {"arm": "acu", "role": "experimental", "category": "manual_acupuncture", "label": "acupuncture"},
        {"arm": "sham", "role": "control", "category": "sham", "label": "sham"},
    ],
    "events": [
        {
            "arm": arm,
            "domain": "responder",
            "outcome": "improved",
            "timepoint": "follow_up",
            "locator": "Table 1",
        }
        for arm in ("acu", "sham")
    ],
}
NEW["studies"][0] |= {"purpose": "treatment", "source_type": "article"}


@pytest.fixture
def protocol(monkeypatch):
    monkeypatch.chdir(MINI)
    return load_protocol(read_yaml("config.yaml")[0], ["config.yaml"])


def candidate(folder, **changes):
    """A folder of candidate rows of one trial, its cells but for `changes`, by table."""
    folder.mkdir()
    for name, table in TABLES.items():
        rows = NEW.get(name, []) if changes.get(name, {}) is not None else []
        rows = [
            {"study_id": "Zeta2026", "source_url": "https://example.org", "events": "9", "n": "30"}
            | row
            | changes.get("every", {})
            | changes.get(name, {})
            for row in rows
        ]
        io.write_csv(folder / table.file, rows, table.names)
    return str(folder)


def test_a_new_trial_is_taken_whole(tmp_path, protocol):
    done = sort(OWN, incoming([candidate(tmp_path / "new")], {}), protocol)
    assert (done.known, done.open, done.left_out) == ([], [], [])
    assert {name: len(rows) for name, rows in done.rows.items() if rows} == {
        "studies": 1,
        "arms": 2,
        "events": 2,
    }
    assert done.sources == {"Zeta2026": str(tmp_path / "new")}


@pytest.mark.parametrize("mark", [{"doi": "10.1000/ZETA"}, {"registration": "NCT01234567"}])
def test_a_trial_is_known_by_its_numbers_whatever_it_is_called(tmp_path, protocol, mark):
    own = OWN | {"studies": [*OWN["studies"], {"study_id": "Zhou2025"} | mark]}
    source = candidate(tmp_path / "new", studies={"registration": "ISRCTN11111111 nct01234567"})
    (known,) = sort(own, incoming([source], {}), protocol).known
    assert (known.study_id, known.is_one, known.new_results) == ("Zeta2026", "Zhou2025", 2)
    assert f"as Zhou2025, by its {next(iter(mark))}. 2 rows of results" in str(known)


def test_a_trial_is_known_by_its_id_unless_its_numbers_are_others(tmp_path, protocol):
    own = OWN | {"studies": [*OWN["studies"], {"study_id": "Zeta2026"}]}
    new = incoming([candidate(tmp_path / "new")], {})
    assert [known.by for known in sort(own, new, protocol).known] == ["study_id"]
    own["studies"][-1] |= {"doi": "10.1000/another"}
    done = sort(own, new, protocol)
    assert (done.known, done.left_out) == ([], ["Zeta2026"])
    assert done.open[0].remedy == "call it Zeta2026b in every table"


def test_two_sources_of_one_trial_give_it_once(tmp_path, protocol):
    sources = [candidate(tmp_path / "one"), candidate(tmp_path / "two", every={"study_id": "ZetaA2026"})]
    done = sort(OWN, incoming(sources, {}), protocol)
    assert [row["study_id"] for row in done.rows["studies"]] == ["Zeta2026"]
    assert [(each.study_id, each.is_one) for each in done.known] == [("ZetaA2026", "Zeta2026")]


def test_what_is_not_whole_is_left_out_with_its_places_until_filled(tmp_path, protocol):
    source = candidate(tmp_path / "new", studies={"condition": ""}, events={"n": ""})
    done = sort(OWN, incoming([source], {}), protocol)
    assert (done.left_out, any(done.rows.values())) == (["Zeta2026"], False)
    places = [(fault.file, fault.row, fault.column) for fault in done.open]
    assert (f"{source}: studies.csv", 2, "condition") in places
    assert (f"{source}: events.csv", 3, "n") in places
    fill = {("", "condition"): "DPN", ("events", "n"): "30"}
    assert sort(OWN, incoming([source], fill), protocol).open == []


def test_what_is_no_source_is_refused(tmp_path):
    (tmp_path / "x.pdf").write_bytes(b"%PDF")
    for name, said in (("x.pdf", "not a kind of file"), ("y", "no such file"), (".", "no table")):
        with pytest.raises(InputError, match=said):
            incoming([str(tmp_path / name)], {})


def test_nothing_of_the_review_is_touched_unless_that_is_said(tmp_path, monkeypatch):
    review = tmp_path / "review"
    shutil.copytree(MINI, review)
    before = {path: path.read_bytes() for path in review.rglob("*") if path.is_file()}
    given = []

    def both(config, base, protocol, added, cores):
        given.append({path.name: text for path, text in added.items()})
        return {}, {
            "excluded.csv": b"analysis,study_id,reason,domain,instrument\nq,Zeta2026,too early,pain,NRS\n"
        }

    monkeypatch.setattr(trialpool.update, "_both_results", both)
    whole = candidate(tmp_path / "whole")
    words = ["update", str(review / "config.yaml"), whole]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 0, told.output
    assert (
        f"Zeta2026 ({whole}): enters no question.\n  not q: too early\nNothing would change.\n" in told.output
    )
    part = candidate(tmp_path / "part", every={"study_id": "Eta2026"}, studies={"condition": "", "doi": ""})
    refused = CliRunner().invoke(main, [*words, part, "--write"])
    assert refused.exit_code == 1
    assert "Left out until they are whole: Eta2026." in refused.output
    assert "so that nothing was written:\n" in refused.output
    assert {path: path.read_bytes() for path in review.rglob("*") if path.is_file()} == before
    written = CliRunner().invoke(main, [*words, "--write"])
    assert written.exit_code == 0, written.output
    for name in ("studies.csv", "arms.csv", "events.csv"):
        assert (review / "raw" / name).read_text("utf-8") == given[-1][name]


ROWS = st.lists(
    st.fixed_dictionaries({"study_id": st.just("Z"), "note": st.text(st.characters(codec="ascii"))})
)


@settings(deadline=None)
@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_stands_in_a_table_stays_to_the_byte(rows, end, closed):
    table = TABLES["events"]
    text = "\ufeff" + (MINI / "raw" / "events.csv").read_text("utf-8").replace("\n", end)
    text = text if closed else text.removesuffix(end)
    longer = with_rows(text, table, rows)
    assert longer.startswith(text)
    assert (longer == text) or longer.endswith(end)


def test_a_column_that_the_table_lacks_is_added():
    text = with_rows(
        "study_id,tool\nA,RoB2\n", TABLES["risk_of_bias"], [{"study_id": "B", "judgement": "low"}]
    )
    assert text == "study_id,tool,judgement\nA,RoB2,\nB,,low\n"


def test_several_files_are_written_all_or_none(tmp_path, monkeypatch):
    one, two, new = (tmp_path / name for name in ("one", "two", "new"))
    one.write_text("1")
    two.write_text("2")
    io.write_all({one: "1a", two: "2a"})
    assert (one.read_text(), two.read_text()) == ("1a", "2a")
    write = io.write_bytes

    def failing(path, content):
        if content == b"broken":
            raise OSError("disk full")
        write(path, content)

    monkeypatch.setattr(io, "write_bytes", failing)
    with pytest.raises(OSError, match="disk full"):
        io.write_all({one: "1b", new: "3", two: "broken"})
    assert (one.read_text(), two.read_text(), new.exists()) == ("1a", "2a", False)


def test_analyses_of_one_reason_are_told_in_one_line():
    questions = [Question("Z", "new", f"q{at}", False, "too early") for at in range(7)]
    questions += [Question("Z", "new", "", False, "not asked for", "pain NRS")]
    assert list(Update({}, questions=questions).lines()) == [
        "Z (new): enters no question.",
        "  not q0, q1, q2, q3 and 3 more: too early",
        "  not its pain NRS: not asked for",
    ]


def test_answers_to_signalling_questions_come_along(tmp_path, protocol):
    source = candidate(tmp_path / "new")
    told = "study_id,tool,domain,question,answer,assessed_by\n"
    for question, answer in (("1.1", "Y"), ("1.2", "PY"), ("1.3", "N")):
        told += f"Zeta2026,RoB2,randomisation_process,{question},{answer},https://example.org/us\n"
    Path(source, "signalling_answers.csv").write_text(told, encoding="utf-8")
    own = {name: OWN.get(name, []) for name in EVIDENCE}
    done = sort(own, incoming([source], {}), protocol)
    assert done.open == []
    assert [row["answer"] for row in done.rows["signalling_answers"]] == ["Y", "PY", "N"]
