"""Two people's tables: what differs is found once and where it is, agreed tables are what was settled."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from trialpool.cli import main
from trialpool.contracts import TABLES
from trialpool.errors import InputError
from trialpool.evidence.read import read_raw
from trialpool.exchange.candidates import csv_text
from trialpool.exchange.double_extraction import Kind, compare, read_extraction, settle, write_agreed
from trialpool.exchange.workbook import import_workbook

MINI = Path(__file__).parents[2] / "workflow" / "mini" / "raw"
FIRST = read_extraction(MINI)


def cells_of(name):
    """The cells of a table as rows, with every column of the codebook."""
    raw = read_raw(MINI / f"{name}.csv", TABLES[name])
    return [dict(zip(raw.cells, row, strict=True)) for row in zip(*raw.cells.values(), strict=True)]


def changed(name, at, **cells):
    """The same extraction with other cells in a row of a table."""
    rows = {table: [dict(row) for row in own] for table, own in FIRST.rows.items()}
    rows[name][at] |= cells
    return type(FIRST)("B", rows, FIRST.numbers)


def own_files(folder, *edits):
    shutil.copytree(MINI, folder)
    for file, old, new in edits:
        path = folder / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
    return folder


def test_a_folder_agrees_with_itself():
    found = compare(FIRST, FIRST)
    assert found.differences == []
    assert {each.share for each in found.agreement} == {1.0}
    assert all(each.kappa in (1.0,) or each.kappa != each.kappa for each in found.agreement)


tables = st.sampled_from(["studies", "arms", "continuous", "events"])


@settings(max_examples=200, deadline=None)
@given(tables, st.data())
def test_a_changed_cell_is_found_exactly_once_in_its_place(name, data):
    table = TABLES[name]
    at = data.draw(st.integers(0, len(FIRST.rows[name]) - 1))
    column = data.draw(st.sampled_from([each for each in table.columns if each.name not in table.key]))
    before = FIRST.rows[name][at].get(column.name, "")
    if column.is_number:
        after = str(
            data.draw(st.integers(-99, 99).filter(lambda value: not before or float(before) != value))
        )
    else:
        after = data.draw(
            st.sampled_from(["", "Other", "x-1", before.upper() + "!"]).filter(lambda t: t != before)
        )
    (found,) = compare(FIRST, changed(name, at, **{column.name: after})).differences
    assert (found.file, found.column, found.row_a, found.row_b) == (table.file, column.name, at + 2, at + 2)
    assert (found.a, found.b, found.steers) == (before, after, column.name in table.steers)
    if not before or not after:
        assert found.kind == (Kind.MISSING_A if not before else Kind.MISSING_B)
    elif column.is_number:
        assert (found.kind, found.difference) == (Kind.NUMBER, float(after) - float(before))


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_says_nothing(random):
    rows = {name: list(own) for name, own in FIRST.rows.items()}
    for own in rows.values():
        random.shuffle(own)
    numbers = {name: range(2, len(own) + 2) for name, own in rows.items()}
    assert compare(FIRST, type(FIRST)("B", rows, numbers)).differences == []


@pytest.mark.parametrize("written", ["28.0", "2.8e1", "028", "+28"])
def test_a_number_written_differently_is_no_difference(written):
    assert compare(FIRST, changed("continuous", 0, n=written)).differences == []


def test_a_number_that_differs_is_told_by_how_much():
    (found,) = compare(FIRST, changed("continuous", 1, centre="25")).differences
    assert str(found) == (
        "continuous.csv, A row 3, B row 3 (Arlig2001 sham pain VAS100 points 8 end_of_treatment final mean), "
        "centre: 52 / 25, number differs (B − A = −27, −51.9%); steers what is pooled"
    )


def test_capitals_and_signs_are_told_apart_from_other_words():
    (spelling,) = compare(FIRST, changed("studies", 0, first_author="ARLIG ")).differences
    (other,) = compare(FIRST, changed("studies", 0, first_author="Berg")).differences
    assert (spelling.kind, other.kind) == (Kind.SPELLING, Kind.TEXT)


def test_another_arm_id_or_a_slip_is_suggested_and_no_other_row(tmp_path):
    second = own_files(
        tmp_path / "b",
        *((file, "Gamma2010,acu,", "Gamma2010,acupuncture,") for file in ("arms.csv", "continuous.csv")),
        *((f"{name}.csv", "Beta2004", "Betta2004") for name in ("studies", "arms", "continuous")),
        (
            "events.csv",
            "responder,improved,improved,8,end_of_treatment,20,30",
            "responder,improved,improved,12,end_of_treatment,20,30",
        ),
    )
    found = compare(FIRST, read_extraction(second)).differences
    assert {each.kind for each in found} == {Kind.ROW_A, Kind.ROW_B}
    assert all(each.near for each in found)
    near = {(each.file, each.row_a): each.near for each in found if each.kind is Kind.ROW_A}
    assert near["arms.csv", 6] == "B's row 6 (arm acu / acupuncture)"
    assert near["events.csv", 2] == "B's row 2 (weeks 8 / 12)"
    assert near["studies.csv", 3] == "B's row 3 (study_id Beta2004 / Betta2004)"
    taken = compare(FIRST, read_extraction(second), near=True).differences
    assert [(each.file, each.column, each.a, each.b) for each in taken] == [
        ("studies.csv", "study_id", "Beta2004", "Betta2004"),
        ("arms.csv", "arm", "acu", "acupuncture"),
        ("events.csv", "weeks", "8", "12"),
    ]


def test_rows_of_other_numbers_and_places_are_not_suggested():
    other = {"weeks": "26", "timepoint": "follow_up", "n": "11", "centre": "9", "spread_low": "3"}
    assert {each.near for each in compare(FIRST, changed("continuous", 0, **other)).differences} == {""}


def test_trials_of_other_registrations_are_never_one():
    rows = {name: [dict(row) for row in own] for name, own in FIRST.rows.items()}
    rows["studies"][0] |= {"registration": "NCT01234567"}
    first = type(FIRST)("A", rows, FIRST.numbers)
    second = changed("studies", 0, study_id="Arlig2001b", registration="NCT07654321")
    assert {each.near for each in compare(first, second).differences if each.file == "studies.csv"} == {""}
    second = changed("studies", 0, study_id="Zeta1999", registration="nct01234567")
    assert "Zeta1999" in compare(first, second).differences[0].near


# Settling


def decisions(found, choose):
    keys = ("file", "row", "column", "a", "b")
    return [
        {key: getattr(each, key) for key in keys} | {"settled": choose(each)} for each in found.differences
    ]


def texts(folder):
    return {name: (folder / table.file).read_text("utf-8") for name, table in TABLES.items()}


@pytest.mark.parametrize("near", [False, True])
def test_all_as_a_has_it_gives_as_tables(tmp_path, near):
    second = own_files(
        tmp_path / "b",
        *((file, "Gamma2010,acu,", "Gamma2010,acupuncture,") for file in ("arms.csv", "continuous.csv")),
        *((f"{name}.csv", "Beta2004", "Betta2004") for name in ("studies", "arms", "continuous")),
        ("continuous.csv", ",52,sd,20,", ",25,sd,20,"),
    )
    (second / "events.csv").write_text(
        (MINI / "events.csv").read_text("utf-8").partition("Epsilon")[0], "utf-8"
    )
    found = compare(FIRST, read_extraction(second), near=near)
    settled = decisions(found, lambda each: "(A)")
    write_agreed(settle(found, settled, "settle.csv"), settled, tmp_path / "agreed")
    assert texts(tmp_path / "agreed") == {
        name: csv_text(TABLES[name].names, cells_of(name)) for name in TABLES
    }
    settled = decisions(found, lambda each: "(B)")
    write_agreed(settle(found, settled, "settle.csv"), settled, tmp_path / "other")
    assert compare(read_extraction(tmp_path / "other"), read_extraction(second)).differences == []


def test_a_name_that_is_settled_is_settled_in_every_table(tmp_path):
    second = own_files(
        tmp_path / "b",
        *((f"{name}.csv", "Beta2004", "Betta2004") for name in ("studies", "arms", "continuous")),
        *((file, "Gamma2010,acu,", "Gamma2010,acupuncture,") for file in ("arms.csv", "continuous.csv")),
    )
    found = compare(FIRST, read_extraction(second), near=True)
    agreed = settle(found, decisions(found, lambda each: {"arm": "ma", "study_id": "(B)"}[each.column]), "s")
    assert "Betta2004" in [row["study_id"] for row in agreed["continuous"]]
    assert {row["arm"] for row in agreed["continuous"] if row["study_id"] == "Gamma2010"} == {"ma", "sham"}


@pytest.mark.parametrize(
    ("settled", "said"),
    [
        ("", "the difference is not settled"),
        ("thirty", "not a number"),
        ("(C)", "not a number"),
    ],
)
def test_what_is_not_settled_or_cannot_be_is_refused(settled, said):
    found = compare(FIRST, changed("continuous", 0, n="29"))
    with pytest.raises(InputError, match=said):
        settle(found, decisions(found, lambda each: settled), "settle.csv")
    with pytest.raises(InputError, match="not in the table"):
        settle(found, [], "settle.csv")


def test_what_was_settled_of_other_values_is_refused():
    found = compare(FIRST, changed("continuous", 0, n="29"))
    old = decisions(found, lambda each: "29")
    with pytest.raises(InputError, match="other values"):
        settle(found, [old[0] | {"b": "31"}], "settle.csv")
    with pytest.raises(InputError, match="no difference of the two any more"):
        settle(compare(FIRST, FIRST), old, "settle.csv")


def test_the_commands_from_differences_to_agreed_tables(tmp_path):
    a, b = own_files(tmp_path / "a"), own_files(tmp_path / "b", ("continuous.csv", ",52,sd", ",25,sd"))

    def trialpool(*words):
        return CliRunner().invoke(main, ["compare", str(a), str(b), *map(str, words)])

    same = CliRunner().invoke(main, ["compare", str(a), str(a)])
    assert (same.exit_code, same.output) == (0, "25 rows in both, 152 of 152 cells equal (100.0%).\n")
    out = tmp_path / "out"
    first = trialpool("--out", out)
    assert first.exit_code == 1
    assert {path.name for path in out.iterdir()} == {"differences.csv", "agreement.csv", "settle.csv"}
    agreement = (
        pd.read_csv(out / "agreement.csv").set_index(["file", "column"]).loc[("continuous.csv", "centre")]
    )
    assert (agreement["compared"], agreement["equal"], round(agreement["mean_difference"], 2)) == (6, 5, -4.5)
    refused = trialpool("--settled", out / "settle.csv", "--out", tmp_path / "agreed")
    assert refused.exit_code == 1
    assert "not settled" in refused.output
    assert not (tmp_path / "agreed").exists()
    table = pd.read_csv(out / "settle.csv", dtype=str, keep_default_na=False)
    table = table.assign(settled="25", by="JB", why="Table 1, page 4")
    table.to_csv(out / "settle.csv", index=False, sep=";", encoding="utf-8-sig")  # as a spreadsheet may
    done = trialpool("--settled", out / "settle.csv", "--out", tmp_path / "agreed")
    assert done.exit_code == 0, done.output
    assert compare(read_extraction(tmp_path / "agreed"), read_extraction(b)).differences == []
    assert 'JB,"Table 1, page 4"' in (tmp_path / "agreed" / "settled.csv").read_text("utf-8")


# Reading


def test_single_tables_and_workbooks_are_compared_too(tmp_path):
    other = tmp_path / "mine.csv"
    other.write_text((MINI / "events.csv").read_text("utf-8").replace(",11,30,", ",12,30,"), "utf-8")
    (found,) = compare(read_extraction(MINI / "events.csv"), read_extraction(other)).differences
    assert (found.file, found.column, found.a, found.b) == ("events.csv", "events", "11", "12")
    book = tmp_path / "book.xlsx"
    with pd.ExcelWriter(book) as writer:
        for name in ("studies", "arms", "events"):
            pd.DataFrame(cells_of(name)).to_excel(writer, sheet_name=name, index=False)
    assert import_workbook(book).rows["events"]
    several = [own_files(tmp_path / "some")]
    for name in TABLES.keys() - {"studies", "arms", "events"}:
        (several[0] / f"{name}.csv").unlink()
    assert compare(read_extraction(several[0]), read_extraction(book)).differences == []


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("events.csv", "Delta2012,usual_care", "Delta2012,acu"), "second row with the same"),
        (("events.csv", "outcome,definition", "result,definition"), "the column is missing"),
        (("events.csv", "definition,", "defined,"), "is not in the codebook"),
    ],
)
def test_tables_that_cannot_be_matched_are_refused(tmp_path, edit, said):
    with pytest.raises(InputError, match=said):
        read_extraction(own_files(tmp_path / "b", edit))


def test_what_is_no_extraction_is_said_to_be_none(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    for path, said in (
        (tmp_path, "no table"),
        (tmp_path / "x.csv", "not a table"),
        (tmp_path / "y", "no such"),
    ):
        with pytest.raises(InputError, match=said):
            read_extraction(path)


def test_the_page_of_the_site_says_what_is_printed(monkeypatch):
    docs = Path(__file__).parents[3] / "docs"
    page = (docs / "command_line.md").read_text("utf-8")
    said = (
        page.partition("trialpool compare data/first data/second\n")[2]
        .partition("```text\n")[2]
        .partition("```")[0]
    )
    monkeypatch.chdir(docs)
    done = CliRunner().invoke(main, ["compare", "data/first", "data/second"])
    assert (done.exit_code, done.output) == (1, said)


def test_an_arm_of_another_treatment_is_not_suggested():
    laser = {"arm": "laser", "category": "laser_acupuncture"}
    assert {each.near for each in compare(FIRST, changed("arms", 0, **laser)).differences} == {""}


def test_a_table_that_lacks_an_optional_column_is_no_other_table():
    rows = {name: [dict(row) for row in own] for name, own in FIRST.rows.items()}
    for row in rows["arms"]:
        del row["adds_to"]
    assert compare(FIRST, type(FIRST)("B", rows, FIRST.numbers)).differences == []
    assert compare(type(FIRST)("A", rows, FIRST.numbers), FIRST).differences == []


def test_answers_to_signalling_questions_are_compared_and_settled(tmp_path):
    folders = []
    for name, answer in (("A", "Y"), ("B", "PN")):
        folders.append(own_files(tmp_path / name))
        (folders[-1] / "signalling_answers.csv").write_text(
            "study_id,tool,domain,question,answer,assessed_by\n"
            f"Alpha2001,RoB2,randomisation_process,1.1,{answer},https://example.org/us\n",
            encoding="utf-8",
        )
    (found,) = compare(*map(read_extraction, folders)).differences
    assert (found.file, found.column, found.a, found.b) == ("signalling_answers.csv", "answer", "Y", "PN")
    assert found.steers
