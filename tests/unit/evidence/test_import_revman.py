"""RevMan files: encodings, footnotes inside tags, subgroups, both outcome types, and RevMan's own totals."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from rm5 import EVENTS, MEANS, dich, key, labels, mantel_haenszel_rr, random_md, review, tag

from trialpool.cli import main
from trialpool.errors import InputError
from trialpool.exchange.candidates import parse_fill, write_candidates
from trialpool.exchange.revman import import_revman, pooled_total, read_review, total_row
from trialpool.exchange.rm5 import decode_xml

ZERO_CELLS = ((0, 454, 1, 216), (1, 59, 0, 55), (0, 131, 4, 66))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "laser.rm5"
    path.write_bytes(review("UTF-8").encode())
    return path


def totals(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(import_revman(path).files["revman_totals.csv"])))


def test_totals_pooled_from_the_import_are_those_stored_in_the_file(file: Path) -> None:
    table = {(row["analysis"], row["subgroup"]): row for row in totals(file)}
    assert table["1.1", ""]["agree"] == "yes"
    assert table["1.1", "Week 4"]["agree"] == "yes"
    assert table["1.1", "Week 12"]["agree"] == ""  # none stored
    assert table["1.2", ""]["agree"] == "yes"
    assert float(table["1.2", ""]["pooled_tau2"]) == pytest.approx(random_md(list(MEANS.values()))[3])


def test_a_total_that_differs_is_called_out(file: Path) -> None:
    file.write_text(file.read_text().replace('EVENTS_1="3"', 'EVENTS_1="4"'))
    assert {row["agree"] for row in totals(file) if row["analysis"] == "1.1" and not row["subgroup"]} == {
        "no"
    }


def test_candidate_rows_pool_to_the_stored_total(file: Path, tmp_path: Path) -> None:
    """From the rows on disk, not from the file: what a person would go on to use."""
    write_candidates(import_revman(file), tmp_path / "new")
    rows = list(csv.DictReader((tmp_path / "new" / "events.csv").open(encoding="utf-8")))
    arms = {(row["study_id"], row["arm"]): (int(row["events"]), int(row["n"])) for row in rows}
    tables = [
        arms[study, "laser"] + arms[study, "sham_laser"] for study in ("Muller2001", "ONeil2003", "Zak2010")
    ]
    stored = float(read_review(file).outcomes[0].values["EFFECT_SIZE"])
    assert mantel_haenszel_rr(tables)[0] == pytest.approx(stored, rel=1e-12)


def test_names_labels_and_notes_keep_footnotes_apart(file: Path) -> None:
    candidates = import_revman(file)
    event = candidates.rows["events"][0]
    assert event["definition"] == "Pain at rest"
    assert event["outcome"] == "pain_at_rest"
    assert "counts from 10 %" in event["note"]
    assert "any scale" in event["note"]
    assert "subgroup: Week 4" in event["note"]
    assert event["weeks"] == "4"
    arm = candidates.rows["arms"][0]
    assert (arm["label"], arm["arm"], arm["role"]) == ("Laser", "laser", "experimental")
    assert candidates.rows["arms"][1]["category"] == "sham"


def test_means_come_with_their_sd_and_n_as_written(file: Path) -> None:
    row = import_revman(file).rows["continuous"][0]
    wanted = {"instrument": "PAIN_VAS", "unit": "points", "n": "40", "centre": "3.1", "spread_type": "sd"}
    assert {name: row[name] for name in wanted} == wanted
    assert row["spread_low"] == "1.2"


def test_studies_and_judgements(file: Path) -> None:
    candidates = import_revman(file)
    study = candidates.rows["studies"][0]
    assert (study["study_id"], study["first_author"], study["year"]) == ("Muller2001", "Müller", "2001")
    assert (study["doi"], study["journal"], study["source_type"]) == ("10.1000/x1", "Pain", "review")
    assert study["source_url"] == "https://doi.org/10.1002/14651858.CD000001"
    (judgement,) = candidates.rows["risk_of_bias"]
    assert (judgement["domain"], judgement["judgement"]) == ("allocation_concealment", "low")
    assert any("RevMan's default" in remark for remark in candidates.remarks)


@pytest.mark.parametrize(
    ("declared", "real", "remark"),
    [
        ("UTF-8", "utf-8", False),
        ("UTF-8", "utf-8-sig", False),
        ("UTF-16", "utf-16", False),
        ("ISO-8859-1", "utf-8", True),
        ("ISO-8859-2", "cp1252", True),
        ("ISO-8859-1", "latin-1", False),
        ("windows-1252", "cp1252", False),
    ],
)
def test_the_real_encoding_counts_not_the_declared_one(
    tmp_path: Path, declared: str, real: str, remark: bool
) -> None:
    text = review(declared).replace("Ż", "Z")
    text = text if real in ("latin-1",) else text.replace("Laser for", "“Laser” – for")
    path = tmp_path / "x.rm5"
    path.write_bytes(text.encode(real))
    candidates = import_revman(path)
    assert candidates.rows["studies"][0]["first_author"] == "Müller"
    assert any("read as" in note for note in candidates.remarks) == remark
    if real != "latin-1":
        assert "“Laser” – for pain & numbness" in candidates.source


def test_bytes_that_windows_1252_lacks_are_latin_1() -> None:
    assert decode_xml(b"<a>\xe9\x81</a>")[0] == "<a>é\x81</a>"


def test_the_same_study_in_two_subgroups_gives_two_different_rows(tmp_path: Path) -> None:
    again = dich("Müller 2001", (9, 40, 12, 42))
    text = review("UTF-8").replace("<NAME>Week 12</NAME>", f"<NAME>Week 12</NAME>{again}")
    (tmp_path / "x.rm5").write_bytes(text.encode())
    rows = [
        row for row in import_revman(tmp_path / "x.rm5").rows["events"] if row["study_id"] == "Muller2001"
    ]
    assert [row["outcome"] for row in rows] == [f"pain_at_rest_week_{n}" for n in (4, 4, 12, 12)]


def test_a_control_arm_shared_by_two_comparisons_stands_once(tmp_path: Path) -> None:
    outcome = tag(
        "DICH_OUTCOME",
        labels("Pain at rest") + dich("Żak 2010", EVENTS["Żak 2010"]),
        NO=9,
        EFFECT_MEASURE="RR",
    )
    (tmp_path / "x.rm5").write_bytes(review("UTF-8", outcome).encode())
    rows = [row for row in import_revman(tmp_path / "x.rm5").rows["events"] if row["study_id"] == "Zak2010"]
    assert len([row for row in rows if row["arm"] == "sham_laser" and not row["weeks"]]) == 1


def test_generic_inverse_variance_becomes_a_contrast(tmp_path: Path) -> None:
    data = tag("IV_DATA", "", STUDY_ID=key("Żak 2010"), ESTIMATE="-0.5", SE="0.2", TOTAL_1="30", TOTAL_2="0")
    ready = tag(
        "IV_DATA",
        "",
        STUDY_ID=key("O'Neil 2003"),
        EFFECT_SIZE="0.67",
        CI_START="0.55",
        CI_END="0.82",
    )
    outcome = tag(
        "IV_OUTCOME",
        labels("Relapse") + "<EFFECT_MEASURE>Hazard Ratio</EFFECT_MEASURE>" + data + ready,
        NO=3,
        METHOD="IV",
        RANDOM="NO",
        CI_STUDY="95",
    )
    (tmp_path / "x.rm5").write_bytes(review("UTF-8", outcome).encode())
    first, second = import_revman(tmp_path / "x.rm5").rows["contrasts"]
    entered = ("log_hazard_ratio", "-0.5", "se", "0.2")
    assert tuple(first[name] for name in ("measure", "estimate", "spread_type", "spread_low")) == entered
    assert (first["n_1"], first.get("n_2", "")) == ("30", "")
    shown = ("hazard_ratio", "0.67", "ci95", "0.55", "0.82")
    columns = ("measure", "estimate", "spread_type", "spread_low", "spread_high")
    assert tuple(second[name] for name in columns) == shown


def test_swapped_events_peto_and_random_effects_follow_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.rm5"
    for change in (
        {"METHOD": "PETO", "EFFECT_MEASURE": "PETO_OR"},
        {"RANDOM": "YES"},
        {"SWAP_EVENTS": "YES"},
    ):
        outcome = tag(
            "DICH_OUTCOME",
            labels("X") + "".join(dich(n, c) for n, c in EVENTS.items()),
            **({"NO": 4, "EFFECT_MEASURE": "RR", "METHOD": "MH", "RANDOM": "NO"} | change),
        )
        path.write_bytes(review("UTF-8", outcome).encode())
        used, total = pooled_total(read_review(path).outcomes[-1])
        assert used == 3
        assert total[1] < total[0] < total[2]
    swapped = [(n1 - a, n1, n2 - c, n2) for a, n1, c, n2 in EVENTS.values()]
    assert math.exp(total[0]) == pytest.approx(mantel_haenszel_rr(swapped)[0], rel=1e-12)


@pytest.mark.parametrize(
    ("counts", "random", "total"),
    [
        (((0, 10, 3, 10), (2, 20, 4, 18), (0, 15, 8, 16)), "NO", None),
        (((0, 10, 0, 12),), "NO", "no study has both people with the event and people without it"),
    ],
)
def test_empty_cells_get_a_half_in_mantel_haenszel_too(tmp_path: Path, counts, random, total) -> None:
    data = "".join(dich(name, cells) for name, cells in zip(EVENTS, counts, strict=False))
    values = {"NO": 4, "EFFECT_MEASURE": "RR", "METHOD": "MH", "RANDOM": random}
    (tmp_path / "x.rm5").write_bytes(
        review("UTF-8", tag("DICH_OUTCOME", labels("X") + data, **values)).encode()
    )
    outcome = read_review(tmp_path / "x.rm5").outcomes[-1]
    if total:
        assert total_row(outcome)["remark"] == f"not pooled: {total}"
        return
    halves = [tuple(n + h * (1 + place % 2) for place, n in enumerate(cells))
              for cells in counts for h in [0.5 if 0 in cells else 0.0]]  # fmt: skip
    assert pooled_total(outcome)[1][:3] == pytest.approx([math.log(x) for x in mantel_haenszel_rr(halves)])


def test_a_random_total_with_empty_cells_is_the_one_that_revman_stores(tmp_path: Path) -> None:
    """Counts and total as in the smallest analysis of a Cochrane review with a zero cell (CD000023)."""
    data = "".join(dich(name, cells) for name, cells in zip(EVENTS, ZERO_CELLS, strict=True))
    values = {"NO": 4, "EFFECT_MEASURE": "RR", "METHOD": "MH", "RANDOM": "YES"}
    (tmp_path / "x.rm5").write_bytes(
        review("UTF-8", tag("DICH_OUTCOME", labels("X") + data, **values)).encode()
    )
    _, total = pooled_total(read_review(tmp_path / "x.rm5").outcomes[-1])
    assert math.exp(total[0]) == pytest.approx(0.27611118748509267, rel=1e-9)
    assert total[3:] == pytest.approx((3.3040420525266425, 1.6224592925275536), rel=1e-9)


def test_risk_differences_keep_their_counts_and_correct_the_variance(tmp_path: Path) -> None:
    counts = ((0, 10, 3, 10), (2, 20, 4, 18))
    data = "".join(dich(name, cells) for name, cells in zip(EVENTS, counts, strict=False))
    values = {"NO": 4, "EFFECT_MEASURE": "RD", "METHOD": "IV", "RANDOM": "NO"}
    (tmp_path / "x.rm5").write_bytes(
        review("UTF-8", tag("DICH_OUTCOME", labels("X") + data, **values)).encode()
    )
    effects, variances = [-0.3, 2 / 20 - 4 / 18], []
    for a, n1, c, n2 in ((0.5, 11, 3.5, 11), counts[1]):
        variances.append(a * (n1 - a) / n1**3 + c * (n2 - c) / n2**3)
    weights = [1 / variance for variance in variances]
    expected = sum(w * y for w, y in zip(weights, effects, strict=True)) / sum(weights)
    assert pooled_total(read_review(tmp_path / "x.rm5").outcomes[-1])[1][0] == pytest.approx(
        expected, rel=1e-9
    )


def test_a_row_beyond_all_measure_is_left_out_and_the_rest_comes_along(tmp_path: Path) -> None:
    data = tag("IV_DATA", STUDY_ID=key("Żak 2010"), ESTIMATE="0.0", SE="1000.0")
    outcome = tag("IV_OUTCOME", labels("Survival") + data, NO=4, EFFECT_MEASURE="Hazard Ratio", METHOD="IV")
    (tmp_path / "x.rm5").write_bytes(review("UTF-8", outcome).encode())
    candidates = import_revman(tmp_path / "x.rm5")
    assert not candidates.rows["contrasts"]
    assert len(candidates.rows["events"]) == 6
    assert any("beyond anything that a trial reports" in remark for remark in candidates.remarks)
    assert "beyond the largest number" in candidates.files["revman_totals.csv"]


@pytest.mark.parametrize("huge", ["1e308", "-1e300", "1e400", "1000000000000"])
@pytest.mark.filterwarnings("error")
def test_numbers_that_no_trial_reports_are_not_pooled(file: Path, huge: str) -> None:
    file.write_text(
        file.read_text().replace('TOTAL_1="30"', f'TOTAL_1="{huge}"').replace('SD_1="1.2"', f'SD_1="{huge}"')
    )
    assert {row["studies"] for row in totals(file) if not row["subgroup"]} == {"2", ""}


def test_subgroups_alike_up_to_a_sign_or_beyond_the_cut_keep_their_rows_apart(tmp_path: Path) -> None:
    long = "Pain at rest, at night or in motion at 1 week (6 to 8 days), as judged by blinded assessors: "
    names = ("< 12 weeks", "> 12 weeks", f"{long}positive", f"{long}negative")
    parts = [
        tag("DICH_SUBGROUP", f"<NAME>{name.replace('<', '&lt;')}</NAME>{dich('Żak 2010')}") for name in names
    ]
    outcome = tag("DICH_OUTCOME", labels(long) + "".join(parts), NO=4, EFFECT_MEASURE="RR", METHOD="MH")
    (tmp_path / "x.rm5").write_bytes(review("UTF-8", outcome).encode())
    rows = [
        row for row in import_revman(tmp_path / "x.rm5").rows["events"] if "analysis 1.4" in row["locator"]
    ]
    assert len({row["outcome"] for row in rows}) == 4
    assert {row["weeks"] for row in rows} == {""}


def test_empty_groups_and_text_tables_are_left_out_with_a_remark(tmp_path: Path) -> None:
    text = review("UTF-8", tag("OTHER_OUTCOME", "<NAME>Comments</NAME>", NO=7))
    text = text.replace('EVENTS_1="3" TOTAL_1="30"', 'EVENTS_1="0" TOTAL_1="0"')
    (tmp_path / "x.rm5").write_bytes(text.encode())
    remarks = import_revman(tmp_path / "x.rm5").remarks
    assert any("text table" in remark for remark in remarks)
    assert any("Zak2010" in remark and "nobody in a group" in remark for remark in remarks)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not well-formed"),
        (b"<html><body>Not found</body></html>", "not a RevMan 5 review"),
        (b"PK\x03\x04\x00\x00", "not well-formed"),
        (review("UTF-8").replace("</COMPARISON>", "").encode(), "not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><COCHRANE_REVIEW>&b;</COCHRANE_REVIEW>', "entities"),
        (
            b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><COCHRANE_REVIEW>&b;</COCHRANE_REVIEW>',
            "entities",
        ),
    ],
)
def test_what_is_no_review_is_refused_plainly(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.rm5"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        import_revman(path)
    result = CliRunner().invoke(main, ["import", "revman", str(path), "--out", str(tmp_path / "new")])
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert not (tmp_path / "new").exists()


def test_the_command_writes_a_new_folder_and_says_what_is_left_to_do(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "new"
    result = CliRunner().invoke(
        main, ["import", "revman", str(file), "--out", str(out), "--fill", "condition=DPN"]
    )
    assert result.exit_code == 0, result.output
    assert "To fill in or check" in result.output
    assert sorted(path.name for path in out.iterdir())[:2] == ["IMPORT.md", "arms.csv"]
    assert [path.name for path in out.parent.iterdir()] == ["new"]
    again = CliRunner().invoke(main, ["import", "revman", str(file), "--out", str(out)])
    assert again.exit_code == 1
    assert "exists already" in again.output


def test_filled_in_candidates_are_valid_evidence(file: Path, tmp_path: Path) -> None:
    filled = ("condition=DPN", "design=parallel", "purpose=treatment", "arms.category=laser_acupuncture")
    filled += ("continuous.domain=pain", "better=lower", "measure=final", "events.domain=responder")
    filled += ("timepoint=end_of_treatment",)
    out = tmp_path / "new"
    write_candidates(import_revman(file), out, parse_fill(filled))
    result = CliRunner().invoke(main, ["check", str(out)])
    assert result.exit_code == 0, result.output


def test_rows_never_go_among_checked_evidence(file: Path, tmp_path: Path) -> None:
    (tmp_path / "studies.csv").write_text("study_id\n")
    with pytest.raises(InputError, match="among checked evidence"):
        write_candidates(import_revman(file), tmp_path / "new")


def test_fill_refuses_unknown_columns() -> None:
    with pytest.raises(InputError, match="did you mean 'condition'"):
        parse_fill(["conditon=DPN"])
    with pytest.raises(InputError):
        parse_fill(["nothing.at=all"])
    with pytest.raises(InputError):
        parse_fill(["no sign"])
