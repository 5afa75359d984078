"""Network meta-analysis against rma.mv and literal generalised least squares in R."""

from typing import Any

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference, words
from trialpool.stats.network import (
    NetworkFit,
    contrasts_from_arms,
    network_inconsistency,
    network_meta_analysis,
    node_split,
    rank_treatments,
)

SETS = reference("network")["datasets"]


def arguments(name: str) -> tuple[Any, ...]:
    entry = SETS[name]
    made = contrasts_from_arms(entry["estimate"], entry["variance"], entry["treatment"], entry["study"])
    return made.effects, made.covariance, made.experimental, made.control, made.study


def fitted(name: str, method: str = "REML") -> NetworkFit:
    return network_meta_analysis(*arguments(name), reference=SETS[name]["reference"], tau2_method=method)


def test_the_grid_is_complete() -> None:
    assert sorted(SETS) == words("dogliotti franchini hasselblad pagliaro senn")
    arms = {name: [entry["study"].count(study) for study in entry["study"]] for name, entry in SETS.items()}
    assert sum(max(counts) >= 3 for counts in arms.values()) >= 4
    assert sum(entry["tau2"] == 0 for entry in SETS.values()) == 1
    assert all(len(entry["splits"]["direct"]) >= 3 for entry in SETS.values())


@pytest.mark.parametrize("name", SETS)
def test_networks_agree_with_rma_mv(name: str) -> None:
    theirs, ours = SETS[name], fitted(name)
    compare = Comparison()
    floor = FLOOR * max(theirs["se"])
    assert list(ours.treatments) == theirs["treatments"]
    compare("tau2", ours.tau2, theirs["tau2"])
    compare("log_likelihood", ours.log_likelihood, theirs["log_likelihood"], floor=FLOOR)
    compare("effects", ours.effects[1:, 0], theirs["effects"], floor=floor)
    compare("se", ours.se[1:, 0], theirs["se"])
    compare("covariance", ours.covariance[1:, 1:], theirs["covariance"], floor=FLOOR * max(theirs["se"]) ** 2)
    league = theirs["league"]
    rows, columns = ([ours.treatments.index(t) for t in league[side]] for side in ("second", "first"))
    compare("league effects", ours.effects[rows, columns], league["effect"], floor=floor)
    compare("league se", ours.se[rows, columns], league["se"])
    ranking = rank_treatments(ours, better="lower")
    compare("p_scores", ranking.p_scores, theirs["p_scores_lower"], floor=FLOOR)
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_common_effects_and_q_agree(name: str) -> None:
    theirs, ours = SETS[name], fitted(name, "FE")
    compare = Comparison()
    common = theirs["common"]
    compare("effects", ours.effects[1:, 0], common["effects"], floor=FLOOR * max(common["se"]))
    compare("se", ours.se[1:, 0], common["se"])
    compare("q", ours.q, theirs["q"]["q_total"])
    compare("q_df", ours.q_df, theirs["q"]["q_total_df"])
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_inconsistency_agrees(name: str) -> None:
    theirs, ours = SETS[name], network_inconsistency(*arguments(name))
    compare = Comparison()
    for field in ("q_within", "q_within_df", "q_between", "q_between_p_value"):
        compare(field, getattr(ours, field), theirs["q"][field])
    compare("tau2", ours.tau2, theirs["interaction"]["tau2"])
    compare("statistic", ours.q, theirs["interaction"]["statistic"])
    compare("df", ours.df, theirs["interaction"]["df"])
    compare("p_value", ours.p_value, theirs["interaction"]["p_value"])
    compare.finish()


@pytest.mark.parametrize("name", SETS)
def test_node_splits_agree(name: str) -> None:
    theirs, ours = SETS[name]["splits"], node_split(*arguments(name))
    places = {pair: row for row, pair in enumerate(zip(ours.experimental, ours.control, strict=True))}
    signs, rows = [], []
    for pair in zip(theirs["experimental"], theirs["control"], strict=True):
        signs.append(1 if pair in places else -1)
        rows.append(places[pair if pair in places else pair[::-1]])
    assert len(rows) == len(places)
    compare = Comparison()
    for field in ("direct", "indirect", "difference"):
        se = np.array(theirs[f"{field}_se"])
        compare(field, np.array(signs) * getattr(ours, field)[rows], theirs[field], floor=FLOOR * se)
        compare(f"{field}_se", getattr(ours, f"{field}_se")[rows], theirs[f"{field}_se"])
    compare("p_value", ours.p_value[rows], theirs["p_value"], floor=FLOOR)
    compare("tau2", ours.tau2[rows], theirs["tau2"], floor=FLOOR * min(SETS[name]["variance"]))
    compare.finish()
