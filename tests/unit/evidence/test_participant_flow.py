"""The flow counts every trial once at each step; who leaves has the reason nearest to being usable."""

import pandas as pd
import pytest

from trialpool import io
from trialpool.contracts import DERIVED, FLOW, TABLES, stored
from trialpool.evidence.participant_flow import REASONS, participant_flow, reason_words
from trialpool.jobs import follow
from trialpool.kept import Kept


@pytest.fixture(scope="module")
def shipped(shipped_tables, shipped_comparison, shipped_analyses):
    found = shipped_comparison
    table = flow(shipped_tables, found.effects, found.excluded, found.known, shipped_analyses)
    return shipped_tables, found, table


def flow(tables, effects, excluded, known, analyses):
    evidence = {name: rows_of(table) for name, table in tables.items()}
    rows = participant_flow(evidence, *map(rows_of, (effects, excluded, known)), analyses)
    return pd.DataFrame(rows, columns=FLOW.names)


def rows_of(table):
    return table.astype(object).where(table.notna(), None).to_dict("records")


def trials(table, step):
    return table.loc[table["step"] == step, "trials"].sum()


def members(table, step):
    return {trial for cell in table.loc[table["step"] == step, "study_ids"] for trial in cell.split()}


class TestShippedEvidence:
    def test_nobody_is_lost_or_counted_twice_at_any_step_of_any_analysis(self, shipped):
        for _, part in shipped[2].groupby("analysis"):
            assert trials(part, "known") == trials(part, "no_numbers") + trials(part, "with_numbers")
            assert trials(part, "with_numbers") == trials(part, "not_usable") + trials(part, "used")
            assert not members(part, "used") & members(part, "not_usable")
            assert members(part, "known") == members(part, "no_numbers") | members(part, "with_numbers")

    def test_the_whole_review_is_the_evidence(self, shipped):
        tables, compared, table = shipped
        review = table[table["analysis"] == ""]
        assert members(review, "known") == set(tables["studies"]["study_id"])
        numbered = set().union(*(tables[name]["study_id"] for name in ("continuous", "contrasts", "events")))
        assert members(review, "with_numbers") == numbered
        used = compared.effects[compared.effects["selected"]]
        assert members(review, "used") == set(used["study_id"])
        assert members(review, "pooled_with_others") | members(review, "alone") == members(review, "used")
        assert not members(review, "pooled_with_others") & members(review, "alone")

    def test_every_analysis_is_there_and_its_effects_are_those_selected(self, shipped):
        _, compared, table = shipped
        used = table[(table["step"] == "used") & (table["analysis"] != "")].set_index("analysis")["results"]
        chosen = compared.effects[compared.effects["selected"]]
        assert used[used > 0].to_dict() == chosen["analysis"].value_counts().to_dict()

    def test_every_reason_is_in_words(self, shipped):
        left = shipped[2][shipped[2]["step"] == "not_usable"]
        assert set(left["reason_code"]) <= set(REASONS)

    def test_a_trial_that_no_analysis_asks_for_is_in_none(self, shipped):
        table = shipped[2]
        of_review = table["analysis"] == ""
        not_asked = members(table[of_review & (table["reason_code"] == "not_asked")], "not_usable")
        assert {"Loprinzi2019", "Ruddy2019"} <= not_asked  # two kinds of one treatment; no direction given
        assert not not_asked & members(table[~of_review], "used")

    def test_it_is_written_as_a_table(self, shipped, tmp_path):
        evidence, compared, table = shipped
        frames = {name: getattr(compared, name) for name in ("effects", "excluded", "known")}
        paths = {name: str(tmp_path / f"{name}.parquet") for name in (*evidence, *frames)}
        for name, frame in (evidence | frames).items():
            contract = stored(TABLES[name]) if name in TABLES else DERIVED[name]
            io.write_parquet(paths[name], frame, contract)
        slugs = [slug for slug in dict.fromkeys(table["analysis"]) if slug]
        files = [paths[name] for name in evidence], [paths[name] for name in frames]
        follow(*files, slugs, str(tmp_path / "flow.csv"), Kept(tmp_path / "kept"), [".svg"])
        back = pd.read_csv(tmp_path / "flow.csv", keep_default_na=False)
        assert list(back.columns) == list(FLOW.names)
        assert back["trials"].tolist() == shipped[2]["trials"].tolist()


def tables(*named, rows=()):
    result = pd.DataFrame({"study_id": list(rows)})
    studies = pd.DataFrame({"study_id": list(named), "n_randomised": [40.0] * len(named)})
    return {"studies": studies, "continuous": result, "contrasts": result.head(0), "events": result.head(0)}


def frame(*rows, **columns):
    return pd.DataFrame([dict(zip(columns, row, strict=True)) for row in rows], columns=list(columns))


def run(named, rows, effects=(), excluded=(), known=()):
    text = {"analysis": "", "study_id": ""}
    return flow(
        tables(*named, rows=rows),
        frame(*effects, **text, selected=True),
        frame(*excluded, **text, reason_code=""),
        frame(*known, **text, has_numbers=True),
        ["pain"],
    )


def review_of(table):
    return {(r.step, r.reason_code): r.study_ids for r in table[table["analysis"] == ""].itertuples()}


def test_a_trial_that_nearly_could_be_used_leaves_for_that_reason():
    excluded = [
        ("pain", "A", "other_comparison"),
        ("pain", "A", "no_spread"),
        ("sleep", "A", "other_outcome"),
    ]
    table = run(["A"], ["A"], excluded=excluded, known=[("pain", "A", True)])
    assert review_of(table)["not_usable", "no_spread"] == "A"


def test_a_trial_that_no_analysis_asks_for_says_so():
    assert (
        review_of(run(["A"], ["A"], excluded=[("pain", "A", "other_purpose")]))["not_usable", "not_asked"]
        == "A"
    )
    assert review_of(run(["A"], ["A"]))["not_usable", "not_asked"] == "A"


def test_missing_numbers_in_one_domain_are_no_reason_for_the_whole_trial():
    table = run(["A"], ["A"], excluded=[("pain", "A", "no_numbers")], known=[("pain", "A", False)])
    assert ("not_usable", "no_numbers") not in review_of(table)
    pain = table[table["analysis"] == "pain"].set_index("step")["trials"]
    assert (pain["known"], pain["no_numbers"], pain["with_numbers"], pain["used"]) == (1, 1, 0, 0)


def test_effects_that_are_not_selected_are_not_used():
    effects = [("pain", "A", True), ("pain", "B", False)]
    table = run(["A", "B"], ["A", "B"], effects=effects, known=[("pain", n, True) for n in "AB"])
    assert review_of(table)["used", ""] == "A"
    assert review_of(table)["alone", ""] == "A"
    assert table.loc[(table["analysis"] == "pain") & (table["step"] == "used"), "results"].tolist() == [1]


def test_two_trials_in_one_analysis_are_pooled_with_each_other():
    table = run(["A", "B"], ["A", "B"], effects=[("pain", "A", True), ("pain", "B", True)])
    assert review_of(table)["pooled_with_others", ""] == "A B"
    assert review_of(table)["alone", ""] == ""


def test_an_unknown_reason_code_is_put_in_words():
    assert reason_words("too_blue") == "too blue"
