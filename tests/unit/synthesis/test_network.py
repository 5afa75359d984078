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
from trialpool.records import Record, Study, from_json, sketch
from trialpool.stats import network_meta_analysis, pool
from trialpool.synthesis.network import build_network, contrasts_of, covariance, load_networks

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


def rules(*analyses: str, reference: str = "sham") -> dict[str, Any]:
    return {"title": "Made up", "reference": reference, "analyses": list(analyses), "nodes": NODES}


def test_a_trial_in_two_analyses_with_one_pair_counts_once() -> None:
    row = plain_row("A", "manual_acupuncture", "sham", -1.0, 0.1)
    (contrast,) = contrasts_of([record("x", row), record("y", replace(row, effect=-9.0))], NODES)
    assert (contrast.experimental, contrast.control, contrast.effect) == ("acupuncture", "sham", -1.0)


def test_a_trial_of_three_arms_shares_the_variance_of_its_common_arm() -> None:
    records = [
        record("x", means_row("A", "electroacupuncture", "sham")),
        record("y", means_row("A", "electroacupuncture", "usual_care")),
    ]
    contrasts = contrasts_of(records, NODES)
    assert [(c.experimental, c.control, c.effect) for c in contrasts] == [
        ("sham", "acupuncture", 1.0),
        ("usual care", "acupuncture", 2.0),
    ]
    assert covariance(contrasts).tolist() == [[0.1 + 0.2, 0.1], [0.1, 0.1 + 0.4]]


def test_other_outcomes_of_a_trial_and_arms_outside_the_nodes_stay_out() -> None:
    rows = [means_row("A", "electroacupuncture", "sham")]
    later = means_row("A", "electroacupuncture", "usual_care", instrument="VAS100")
    outside = plain_row("B", "laser_acupuncture", "sham", -1.0, 0.1)
    assert len(contrasts_of([record("x", *rows), record("y", later, outside)], NODES)) == 1


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
    write_comparison(comparison, [["pain"]], paths)
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
    (contrast,) = contrasts_of([record], NODES)  # the control of B is of two nodes
    assert (contrast.study, contrast.experimental, contrast.control) == ("A", "acupuncture", "sham")


def test_a_pair_alone_gives_the_pairwise_result_and_a_path_adds_up() -> None:
    rows = [
        plain_row(f"S{n}", "electroacupuncture", "sham", y, 0.1) for n, y in enumerate((-1.0, -0.2, -0.9))
    ]
    other = plain_row("T", "opioid", "electroacupuncture", -0.5, 0.2)
    found = build_network("n", rules("x", "y"), [record("x", *rows), record("y", other)])
    league = {(row.experimental, row.control): row for row in found.league}
    alone = pool([-1.0, -0.2, -0.9], [0.1] * 3, interval="wald")
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
    assert "acupuncture and sham: 2 trials." in describe_network(found)
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
    contrasts = contrasts_of([record("x", *rows)], NODES)
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
    assert found.sentence.endswith("with another outcome or without numbers of their own: F: diet.")


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


def test_without_a_file_there_are_no_networks():
    assert load_networks(None, {}) == {}
