"""Networks from the records of several analyses: no trial twice, multi-arm trials with their covariance."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.evidence.small_review import CATALOGUE, review
from tests.unit.synthesis.made_up import record as made_up
from trialpool import io
from trialpool.errors import InputError
from trialpool.evidence.compare import compare, write_comparison
from trialpool.evidence.summaries import harmonise
from trialpool.figures.network import describe_network, draw_network
from trialpool.jobs import pool_analyses
from trialpool.kept import Kept
from trialpool.protocol import load_protocol, read_protocol
from trialpool.records import Known, Record, Study, Sureness, from_json, sketch, to_json
from trialpool.stats import mantel_haenszel, network_meta_analysis, pool
from trialpool.synthesis.network import build_network, contrasts_of, covariance, load_networks
from trialpool.synthesis.network_evidence import evidence_of
from trialpool.synthesis.pool import pool_effects
from trialpool.view.review import left_out

ROOT = Path(__file__).parents[3]
NODES = {"electroacupuncture": "acupuncture", "manual_acupuncture": "acupuncture", "sham": "sham"}
NODES |= {"usual_care": "usual care", "placebo": "placebo", "opioid": "opioids", "diet": "diet"}
MEANS = {"electroacupuncture": (3.0, 2.0, 40), "sham": (4.0, 2.0, 20), "usual_care": (5.0, 2.0, 10)}


def means_row(study: str, experimental: str, control: str, **changes: Any) -> Study:
    row: dict[str, Any] = {"study_id": study, "label": study, "instrument": "NRS", "item": "", "weeks": 8.0}
    for side, category in (("experimental", experimental), ("control", control)):
        mean, sd, n = MEANS[category]
        row |= {f"category_{side}": category, f"mean_{side}": mean, f"sd_{side}": sd, f"n_{side}": n}
    row["effect"] = row["mean_experimental"] - row["mean_control"]
    row |= {"measure": "MD", "variance": 4.0 / row["n_experimental"] + 4.0 / row["n_control"]}
    return sketch(Study, **row | changes)


def plain_row(study: str, experimental: str, control: str, effect: float, variance: float) -> Study:
    row: dict[str, Any] = {"study_id": study, "label": study, "instrument": "NRS", "item": "", "weeks": 8.0}
    row |= {"category_experimental": experimental, "category_control": control}
    return sketch(Study, **row, effect=effect, variance=variance)


def record(name: str, *rows: Study) -> Record:
    return made_up(analysis=name, studies=rows)


def rules(*analyses: str, reference: str = "sham", **more: Any) -> dict[str, Any]:
    given = {"title": "Made up", "reference": reference, "analyses": list(analyses), "nodes": NODES}
    return given | {"note": "", "leave_out": {}} | more


def test_a_trial_in_two_analyses_with_one_pair_counts_once() -> None:
    row = plain_row("A", "manual_acupuncture", "sham", -1.0, 0.1)
    (contrast,) = contrasts_of([record("x", row), record("y", replace(row, effect=-9.0))], rules())
    assert (contrast.experimental, contrast.control, contrast.effect) == ("acupuncture", "sham", -1.0)


def test_a_trial_of_three_arms_shares_the_variance_of_its_common_arm() -> None:
    records = [
        record("x", means_row("A", "electroacupuncture", "sham")),
        record("y", means_row("A", "electroacupuncture", "usual_care")),
    ]
    contrasts = contrasts_of(records, rules())
    assert [(c.experimental, c.control, c.effect) for c in contrasts] == [
        ("sham", "acupuncture", 1.0),
        ("usual care", "acupuncture", 2.0),
    ]
    assert covariance(contrasts).tolist() == [[0.1 + 0.2, 0.1], [0.1, 0.1 + 0.4]]


def test_other_outcomes_of_a_trial_and_arms_outside_the_nodes_stay_out() -> None:
    rows = [means_row("A", "electroacupuncture", "sham")]
    later = means_row("A", "electroacupuncture", "usual_care", instrument="VAS100")
    outside = plain_row("B", "laser_acupuncture", "sham", -1.0, 0.1)
    assert len(contrasts_of([record("x", *rows), record("y", later, outside)], rules())) == 1


def pooled_by_the_jobs(tables: Any, folder: Path) -> Record:
    """The record of acupuncture versus sham or usual care as result.json holds it, by way of every file."""
    config = {
        **{"evidence": str(ROOT / "data" / "raw"), "processed": "p", "results": "r"},
        "vocabulary": str(ROOT / "config" / "vocabulary.yaml"),
        "instruments": str(ROOT / "config" / "instruments.yaml"),
        "analyses": {
            "pain": {
                **{"title": "Pain", "condition": "DPN", "domain": "pain", "measure": "MD", "better": "lower"},
                **{"outcomes": ["NRS"], "experimental": ["acupuncture"], "control": ["sham", "usual_care"]},
                "formats": ["svg"],
            }
        },
    }
    specs = list(load_protocol(config).analyses.values())
    paths = [str(folder / f"{name}.parquet") for name in ("effects", "excluded", "known")]
    comparison = compare(harmonise(tables), tables, CATALOGUE, specs)
    for column in ("risk_of_bias", "judgements", "audit"):  # as of trials that nobody judged
        comparison.effects[column] = ""
    write_comparison(comparison, paths)
    kept = Kept(folder / "kept")
    pool_analyses(specs, paths, [str(folder / "pain")], str(folder / "multiverses"), kept)
    return from_json(Record, io.read_json(folder / "pain" / "result.json"))


def test_arms_of_two_categories_that_were_combined_stand_at_their_node(tmp_path: Path) -> None:
    sham, usual = ({"role": "control", "category": name} for name in ("sham", "usual_care"))
    needling = [{"arm": "a"}, {"arm": "b", "category": "electroacupuncture"}]
    arms = [row | {"study_id": "A"} for row in (*needling, sham | {"arm": "s"})]
    arms += [row | {"study_id": "B"} for row in (needling[0], sham | {"arm": "s"}, usual | {"arm": "u"})]
    rows = [{"study_id": arm["study_id"], "arm": arm["arm"]} for arm in arms]
    tables = review(studies=[{"study_id": "A"}, {"study_id": "B"}], arms=arms, continuous=rows)
    record = pooled_by_the_jobs(tables, tmp_path)
    assert [row.category_experimental for row in record.studies] == [
        "manual_acupuncture+electroacupuncture",
        "manual_acupuncture",
    ]
    (contrast,) = contrasts_of([record], rules())  # the control of B is of two nodes
    assert (contrast.study, contrast.experimental, contrast.control) == ("A", "acupuncture", "sham")


def test_a_pair_alone_gives_the_pairwise_result_and_a_path_adds_up() -> None:
    rows = [
        plain_row(f"S{n}", "electroacupuncture", "sham", y, 0.1) for n, y in enumerate((-1.0, -0.2, -0.9))
    ]
    other = plain_row("T", "opioid", "electroacupuncture", -0.5, 0.2)
    found = build_network("n", rules("x", "y"), [record("x", *rows), record("y", other)])
    league = {(row.experimental, row.control): row for row in found.league}
    alone = pool([-1.0, -0.2, -0.9], [0.1] * 3)  # its Hartung-Knapp interval has the same 2 df
    assert league["acupuncture", "sham"].estimate == pytest.approx(float(alone.estimate))
    assert league["acupuncture", "sham"].ci_low == pytest.approx(float(alone.ci_low), rel=1e-6)
    assert league["opioids", "sham"].estimate == pytest.approx(float(alone.estimate) - 0.5)
    assert league["opioids", "sham"].trials == 0
    assert found.ranking[0].treatment == "opioids"
    assert "no loop" in found.inconsistency.refused


def test_a_loop_is_tested_for_inconsistency() -> None:
    rows = [
        plain_row("A", "electroacupuncture", "sham", -1.0, 0.01),
        plain_row("B", "usual_care", "sham", 0.0, 0.01),
        plain_row("C", "electroacupuncture", "usual_care", 1.0, 0.01),
    ]
    found = build_network("n", rules("x"), [record("x", *rows)])
    assert found.inconsistency.df == 1
    assert {split.experimental for split in found.splits} <= {"acupuncture", "sham", "usual care"}
    assert found.splits


def test_what_is_not_connected_is_said_and_not_compared() -> None:
    rows = [
        plain_row("A", "electroacupuncture", "sham", -1.0, 0.1),
        plain_row("B", "opioid", "placebo", -1, 0.1),
    ]
    found = build_network("n", rules("x"), [record("x", *rows)])
    assert (found.fit, found.league) == (None, ())
    assert "No three treatments are connected" in found.sentence
    rows.append(plain_row("C", "diet", "sham", -0.4, 0.1))
    found = build_network("n", rules("x"), [record("x", *rows)])
    assert "not compared: opioids, placebo" in found.sentence
    assert found.fit.i2 is None  # a tree: nothing is left to differ
    assert math.isfinite(found.league[0].ci_low)


def test_the_figure_draws_every_comparison_and_the_league_against_the_reference() -> None:
    rows = [plain_row(f"S{n}", "electroacupuncture", "sham", y, 0.1) for n, y in enumerate((-1.0, -0.2))]
    found = build_network("n", rules("x"), [record("x", *rows, plain_row("T", "diet", "sham", -0.4, 0.1))])
    figure = draw_network(found)
    drawn = [mark.get_gid() for mark in figure.findobj(lambda mark: mark.get_gid() is not None)]
    assert (drawn.count("node"), drawn.count("edge"), drawn.count("effect")) == (3, 2, 2)
    told = describe_network(found)
    assert "acupuncture and sham: 2 trials." in told
    assert told.count("certainty not assessed: no analysis of this comparison.") == 2
    assert draw_network(build_network("n", rules("x"), [record("x")])).get_figwidth() > 7


def events_row(experimental: str, control: str, counts: dict[str, tuple[int, int]], measure: str) -> Study:
    row: dict[str, Any] = {"study_id": "P", "label": "P 2006", "instrument": "responder", "item": ""}
    row |= {"arm_experimental": experimental, "arm_control": control, "effect": 0.1, "variance": 0.2}
    row["measure"] = measure
    for side, category in (("experimental", experimental), ("control", control)):
        events, n = counts[category]
        row |= {f"category_{side}": category, f"events_{side}": events, f"n_{side}": n}
    return sketch(Study, **row)


@pytest.mark.parametrize("measure", ["RR", "OR", "RD"])
def test_no_arm_leaves_for_want_of_events(measure: str) -> None:
    # 0.5 in every cell of the trial's arms, as its pairwise effects have it (MetaInsight#72, netmeta#18)
    counts = {"diet": (9, 20), "opioid": (6, 19), "placebo": (0, 19)}
    rows = [events_row(one, "placebo", counts, measure) for one in ("diet", "opioid")]
    contrasts = contrasts_of([record("x", *rows)], rules())
    assert [(c.experimental, c.control) for c in contrasts] == [("diet", "placebo"), ("opioids", "placebo")]
    if measure == "RR":
        log_ratio = math.log(9.5 / 21) - math.log(0.5 / 20)
        variance = 1 / 9.5 - 1 / 21 + 1 / 0.5 - 1 / 20
        assert (contrasts[0].effect, contrasts[0].variance) == pytest.approx((log_ratio, variance))
    assert covariance(contrasts)[0, 1] == covariance(contrasts)[1, 0] > 0


def test_an_arm_that_cannot_be_used_is_named() -> None:
    pairs = [("opioid", "placebo", -0.05), ("diet", "placebo", 1.34), ("opioid", "diet", 1.75)]
    rows = [
        replace(plain_row("F", one, other, effect, 0.2), arm_experimental=one, arm_control=other)
        for one, other, effect in pairs
    ]
    rows.append(plain_row("G", "diet", "placebo", -0.4, 0.1))
    found = build_network("n", rules("x", reference="placebo"), [record("x", *rows)])
    assert [(left.kind, left.label, left.arms) for left in found.left_out] == [("arms", "F", ("diet",))]
    assert left_out(found) == [
        "Arms left out, of another outcome or not comparable with the others of their trial: F: diet."
    ]


def test_printed_contrasts_of_a_trial_share_half_their_variance() -> None:
    pairs = [
        ("opioid", "placebo", -1.0, 0.16),
        ("diet", "placebo", -0.4, 0.25),
        ("opioid", "diet", -0.5, 0.2),
    ]
    rows = [plain_row("F", *pair) for pair in pairs]
    contrasts = contrasts_of([record("x", *rows)], rules())  # each treatment is in two: the first by name
    assert [(c.experimental, c.control, c.effect) for c in contrasts] == [
        ("opioids", "diet", -0.5),
        ("placebo", "diet", 0.4),
    ]
    half = 0.5 * math.sqrt(0.2 * 0.25)
    np.testing.assert_allclose(covariance(contrasts), [[0.2, half], [half, 0.25]])


def star(count: int, **methods: Any) -> list[Record]:
    """Trials of acupuncture against sham, one of diet against sham; the arms' SD is 2."""
    sizes = {"n_experimental": 40, "n_control": 40, "sd_experimental": 2.0, "sd_control": 2.0}
    effects = (-1.0, -0.2, -0.9, -1.4, 0.1, -0.6)[:count]
    rows = [plain_row(f"S{n}", "electroacupuncture", "sham", y, 0.1) for n, y in enumerate(effects)]
    rows.append(plain_row("T", "diet", "sham", -0.4, 0.1))
    found = record("x", *(replace(row, analysis="x", **sizes) for row in rows))
    return [replace(found, methods=replace(found.methods, interval="auto", **methods))]


@pytest.mark.parametrize(("count", "interval"), [(4, "bayes"), (5, "hksj_adhoc")])
def test_the_interval_is_that_of_a_pairwise_analysis_of_as_many_residuals(count: int, interval: str) -> None:
    records = star(count, prediction_from=5)
    found = build_network("n", rules("x"), records)
    assert found.fit is not None
    assert (found.fit.q_df, found.fit.interval) == (count - 1, interval)
    assert ("half-normal prior of τ, scale 1.00)" in found.sentence) == (count == 4)
    assert ("Hartung–Knapp's, with t on 4 degrees" in found.sentence) == (count == 5)
    assert (found.league[0].pi_low is None) == (count == 4)  # as of fewer than `prediction_from` trials


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_two_treatments_have_the_interval_of_their_pairwise_analysis(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trialpool.synthesis.network.SMALLEST", 2)
    (whole,) = star(count)
    alone = replace(whole, studies=whole.studies[:-1])
    pairwise, _ = pool_effects(to_json(alone.methods) | {"measure": "MD"}, alone.studies)
    found = build_network("n", rules("x"), [alone])
    (row,) = (row for row in found.league if row.experimental == "acupuncture")
    assert pairwise is not None
    assert found.fit is not None
    assert found.fit.interval == pairwise.interval
    for name in ("estimate", "ci_low", "ci_high", "pi_low", "pi_high"):
        mine, theirs = getattr(row, name), getattr(pairwise, name)
        assert mine == (theirs if theirs is None else pytest.approx(theirs, rel=1e-6)), name


def test_without_a_prior_there_is_no_bayesian_interval() -> None:
    found = build_network("n", rules("x"), star(3, prior=None))
    assert found.fit is not None
    assert (found.fit.interval, found.fit.df) == ("hksj_adhoc", 2)


def test_a_rank_stands_beside_the_certainty_of_its_direct_comparison() -> None:
    records = [*star(3), record("y", plain_row("U", "usual_care", "diet", 0.3, 0.1))]
    records += [record("z", replace(plain_row("V", "diet", "sham", -0.3, 0.1), analysis="z"))]
    levels = {"x": Sureness.MODERATE, "z": Sureness.LOW}
    found = build_network("n", rules("x", "y", "z"), records, levels)
    assert {rank.treatment: rank.certainty for rank in found.ranking} == {
        "acupuncture": "moderate",
        "diet": "low",  # the lowest of two analyses
        "usual care": "not assessed: no direct comparison",
        "sham": "reference",
    }
    unjudged = build_network("n", rules("x"), records[:1])
    assert {rank.certainty for rank in unjudged.ranking} == {
        "reference",
        "not assessed: no analysis of this comparison",
    }


def test_trials_left_out_are_named_with_the_reason() -> None:
    known = [sketch(Known, study_id=name, label=name) for name in ("S0", "Lost 1", "Lost 2")]
    records = [replace(star(3)[0], known=tuple(known))]
    given = rules(
        "x", note="Taken for granted.", leave_out={"S1": "responders only", "Lost 1": "responders only"}
    )
    found = build_network("n", given, records)
    assert (found.trials, found.note) == (3, "Taken for granted.")
    assert left_out(found) == [
        "Left out: S1 and Lost 1: responders only.",
        "1 trial of these treatments has no usable number: Lost 2.",
    ]
    assert [contrast.study for contrast in found.studies] == ["S0", "S2", "T"]
    with pytest.raises(InputError, match="'S9' is a trial that none of the network's analyses knows"):
        build_network("n", rules("x", leave_out={"S9": "why"}), records)


def test_multi_arm_covariance_reaches_the_fit() -> None:
    rows = [means_row("A", "electroacupuncture", "sham"), means_row("A", "electroacupuncture", "usual_care")]
    found = build_network("n", rules("x"), [record("x", *rows)])
    direct = network_meta_analysis(
        [1.0, 2.0],
        np.array([[0.3, 0.1], [0.1, 0.5]]),
        ["sham", "usual care"],
        ["acupuncture"] * 2,
        ["A", "A"],
        reference="sham",
    )
    at = [direct.treatments.index(name) for name in ("usual care", "sham")]
    league = {(row.experimental, row.control): row for row in found.league}
    assert league["usual care", "sham"].ci_high == pytest.approx(float(direct.ci_high[at[0], at[1]]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nodes: {a: [sham], b: [sham]}", "category at two nodes"),
        ("nodes: {a: [sham]}\nnetworks: {n: {title: t, reference: b, analyses: []}}", "not a node"),
        ("nodes: {a: [sham]}\nnetworks: {n: {title: t, reference: a, analyses: [z]}}", "not an analysis"),
        (
            "nodes: {a: [sham]}\nnetworks: {n: {title: t, reference: a, analyses: [x, y]}}",
            "not one measure",
        ),
        ("nodes: {a: [sham]}\nnetworks: {n: {title: t, reference: a, analyses: [x], by: 1}}", "not known"),
    ],
)
def test_a_faulty_file_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "networks.yaml"
    path.write_text(text, encoding="utf-8")
    specs = {"x": {"measure": "MD", "scale": None, "better": "lower"}}
    specs["y"] = specs["x"] | {"measure": "RR"}
    with pytest.raises(InputError, match=said):
        load_networks(str(path), specs)


def test_the_shipped_networks_name_shipped_analyses_and_categories() -> None:
    settings = read_protocol(ROOT / "config" / "config.yaml")
    networks = load_networks(str(ROOT / "config" / "networks.yaml"), settings.analyses)
    asked = {category for spec in settings.analyses.values() for category in spec["control"]}
    asked |= {category for spec in settings.analyses.values() for category in spec["experimental"]}
    assert networks
    assert all(set(entry["nodes"]) <= asked for entry in networks.values())
    assert all(entry["note"] for entry in networks.values())  # what its indirect comparisons take for granted


def test_without_a_file_there_are_no_networks():
    assert load_networks(None, {}) == {}


def counts_row(study: str, experimental: str, control: str, *cells: float) -> Study:
    names = ("events_experimental", "n_experimental", "events_control", "n_control")
    sides = {"category_experimental": experimental, "category_control": control, "measure": "OR"}
    given = {"study_id": study, "label": study, "instrument": "r", "item": "", "weeks": 8.0}
    return sketch(Study, given | sides | dict(zip(names, cells, strict=True)), effect=0.1, variance=1.0)


@pytest.mark.parametrize("method", ["mh", "nch"])
def test_a_network_of_counts_takes_them_as_they_are(method: str) -> None:
    rows = [
        counts_row("A", "manual_acupuncture", "sham", 4, 40, 9, 41),
        counts_row("B", "manual_acupuncture", "sham", 1, 30, 3, 30),
        counts_row("C", "manual_acupuncture", "usual_care", 2, 50, 8, 50),
        counts_row("D", "manual_acupuncture", "usual_care", 0, 20, 0, 20),
        replace(
            counts_row("E", "manual_acupuncture", "sham", 1, 9, 2, 9), label="Doe 2001", events_control=None
        ),
    ]
    x = replace(record("x", *rows), measure="OR")
    found = build_network("n", rules("x", method=method), [x])
    assert found.fit
    assert (found.fit.studies, found.trials, found.fit.tau2_method, found.fit.tau2) == (3, 3, "FE", 0)
    assert (
        "anything to tell: D. Without counts of the people with an event, and hence not among them: Doe 2001."
        in (found.note)
    )
    assert not found.left_out
    assert found.fit.interval == "wald"
    assert all(row.pi_low is None for row in found.league)
    table = mantel_haenszel([4, 1], [40, 30], [9, 3], [41, 30], measure="OR")
    league = {(row.experimental, row.control): row for row in found.league}
    own = league["acupuncture", "sham"]
    assert own.trials == 2
    assert own.estimate == pytest.approx(
        math.exp(float(table.estimate)), rel=1e-9 if method == "mh" else 0.02
    )
    evidence = evidence_of(rules("x", method=method), found, [x])
    assert evidence
    assert sum(row.sucra for row in evidence.ranks()[0]) == pytest.approx(1.5)
    empty = replace(x, studies=(*rows[:2], counts_row("C", "manual_acupuncture", "usual_care", 0, 50, 8, 50)))
    if method == "mh":
        left = build_network("n", rules("x", method=method), [empty])
        assert left.fit is None
        assert "left out of it: acupuncture (acupuncture v usual care)" in left.note
        assert evidence_of(rules("x", method=method), left, [empty]) is None
        return
    with pytest.raises(InputError, match="is without an answer: of some treatments together"):
        build_network("n", rules("x", method=method), [empty])
