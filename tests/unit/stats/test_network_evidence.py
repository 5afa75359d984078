"""Networks taken apart: by definition, by hand, and where other methods must say the same."""

from collections import Counter
from itertools import pairwise, product
from math import comb

import numpy as np
import pytest
from tests.unit.stats.networks import HASSELBLAD, columns, hasselblad, senn

from trialpool import stats

SENN = stats.contrasts_from_arms(*senn())
STOPPED = stats.contrasts_from_arms(*hasselblad())


def arguments(made):
    return made.effects, made.covariance, made.experimental, made.control, made.study


def counts(text=HASSELBLAD):
    study, treatment, events, n = columns(text)
    return np.array(events, float), np.array(n, float), treatment, study


def test_the_network_is_the_mean_of_direct_and_indirect():
    split = stats.evidence_split(*arguments(SENN))
    both = np.isfinite(split.difference)
    share = split.share_direct[both]
    mean = share * split.direct[both] + (1 - share) * split.indirect[both]
    assert mean == pytest.approx(split.network[both])
    inverse = 1 / split.direct_se[both] ** 2 + 1 / split.indirect_se[both] ** 2
    assert inverse == pytest.approx(1 / split.network_se[both] ** 2)
    assert both.sum() == 11
    assert ((share > 0) & (share < 1)).all()
    only = split.share_direct == 1
    assert split.network[only] == pytest.approx(split.direct[only])
    assert np.isnan(split.indirect[only]).all()


def test_in_a_loop_of_two_arms_all_splits_say_the_same():
    loop = [0.5, 0.4, 1.2], [0.1, 0.2, 0.3], ["b", "c", "c"], ["a", "b", "a"], ["1", "2", "3"]
    back = stats.evidence_split(*loop, tau2_method="FE")
    side = stats.node_split(*loop, tau2_method="FE")
    assert back.p_value == pytest.approx(side.p_value)
    assert back.indirect == pytest.approx(side.indirect)
    assert back.direct == pytest.approx(side.direct)
    heat = stats.net_heat(*loop)
    assert heat.q.sum() == pytest.approx(stats.network_inconsistency(*loop, tau2_method="FE").q_between)
    assert heat.heat == pytest.approx(np.tile(heat.q[:, None], 3))  # any design taken out ends it


def test_the_interval_of_a_split_is_that_of_the_fit():
    for interval in ("wald", "t", "hksj", "hksj_adhoc"):
        fit = stats.network_meta_analysis(*arguments(SENN), interval=interval, level=0.9)
        split = stats.evidence_split(*arguments(SENN), interval=interval, level=0.9)
        rows, cols = (
            [fit.treatments.index(name) for name in side] for side in (split.experimental, split.control)
        )
        assert split.network == pytest.approx(fit.effects[rows, cols])
        assert split.low[0] == pytest.approx(fit.ci_low[rows, cols])
        assert split.high[0] == pytest.approx(fit.ci_high[rows, cols])


def paths(flow, start, end):
    """Every path of a flow with the probability that a walker takes it."""
    if start == end:
        return [((end,), 1.0)]
    out = flow[start].sum()
    steps = np.flatnonzero(flow[start] > 1e-10)
    return [
        ((start, *rest), flow[start, at] / out * chance)
        for at in steps
        for rest, chance in paths(flow, at, end)
    ]


def test_contributions_are_those_of_all_paths_listed():
    fit = stats.network_meta_analysis(*arguments(SENN))
    found = stats.contributions(*arguments(SENN))
    index = {name: at for at, name in enumerate(fit.treatments)}
    t = len(index)
    # the flow of the hat matrix, from the weights of each study's pairs of arms with tau2 in each
    _, variance, treatment, study = senn()
    weights = np.zeros((t, t))
    for name in set(study):
        rows = [row for row, other in enumerate(study) if other == name]
        own = np.diag([variance[row] + fit.tau2 / 2 for row in rows])
        against = np.eye(len(rows))[1:] - np.eye(len(rows))[0]
        laplacian = against.T @ np.linalg.inv(against @ own @ against.T) @ against
        at = [index[treatment[row]] for row in rows]
        weights[np.ix_(at, at)] -= laplacian
    np.fill_diagonal(weights, 0.0)
    inverse = np.linalg.pinv(np.diag(weights.sum(axis=1)) - weights)
    for row, (one, other) in enumerate(zip(found.experimental, found.control, strict=True)):
        potential = inverse[index[one]] - inverse[index[other]]
        flow = np.maximum(weights * np.subtract.outer(potential, potential), 0)
        shares = Counter()
        for path, chance in paths(flow, index[one], index[other]):
            for step in pairwise(path):
                shares[frozenset(step)] += chance / (len(path) - 1)
        ours = dict(
            zip(
                (frozenset(map(index.get, pair)) for pair in found.direct),
                found.by_comparison[row],
                strict=True,
            )
        )
        assert {pair: ours[pair] for pair in shares} == pytest.approx(dict(shares))
        assert sum(ours.values()) == pytest.approx(1.0)
    assert found.by_study.sum(axis=1) == pytest.approx(np.ones(len(found.control)))
    assert found.by_study.shape[1] == len(found.studies) == fit.studies


def test_of_two_treatments_studies_contribute_their_weight():
    y, v = [0.1, 0.4, 0.3], np.array([0.1, 0.2, 0.4])
    found = stats.contributions(y, v, "bbb", "aaa", "123", tau2_method="FE")
    assert found.by_study[0] == pytest.approx((1 / v) / (1 / v).sum())
    assert found.direct == (("b", "a"),)


def test_designs_that_cannot_disagree_have_no_heat():
    with pytest.raises(ValueError, match="no two designs can disagree"):
        stats.net_heat([0.1, 0.2], [0.1, 0.1], "bc", "aa", "12")


def test_the_order_says_who_is_compared_with_whom():
    order = ("none", "self", "individual", "group")
    found = stats.comparison_adjusted(*arguments(STOPPED), order=order)
    assert len(found.study) == 22 + 2 * 3  # two studies of three arms
    assert all(
        order.index(one) > order.index(other)
        for one, other in zip(found.experimental, found.control, strict=True)
    )
    back = stats.comparison_adjusted(*arguments(STOPPED), order=order[::-1])
    assert sorted(back.adjusted) == pytest.approx(sorted(-found.adjusted))
    means = {}
    for pair in {*zip(found.experimental, found.control, strict=True)}:
        rows = [
            at for at, own in enumerate(zip(found.experimental, found.control, strict=True)) if own == pair
        ]
        tau2 = stats.network_meta_analysis(*arguments(STOPPED)).tau2
        weights = 1 / (found.se[rows] ** 2 + tau2)
        means[pair] = weights @ found.adjusted[rows] / weights.sum()
    assert list(means.values()) == pytest.approx([0.0] * len(means), abs=1e-9)
    with pytest.raises(ValueError, match="order: list each treatment once: group, individual, none, self"):
        stats.comparison_adjusted(*arguments(STOPPED), order=order[:3] + order[:1])


@pytest.mark.parametrize("interval", ["wald", "t", "bayes"])
def test_the_rankogram_has_the_moments_that_are_known_exactly(interval):
    fit = stats.network_meta_analysis(*arguments(SENN), interval=interval)
    found, exact = stats.rankogram(fit, better="lower"), stats.rank_treatments(fit, better="lower")
    ranks = np.arange(1, len(fit.treatments) + 1)
    mean = found.probabilities @ ranks
    assert found.probabilities.sum(axis=0) == pytest.approx(np.ones(ranks.size))
    assert mean == pytest.approx(exact.mean_rank, abs=0.005)
    assert np.sqrt(found.probabilities @ ranks**2 - mean**2) == pytest.approx(exact.sd_rank, abs=0.01)
    assert found.error < 0.0005
    assert (found.rank_low <= found.median_rank).all()
    assert (found.sucra_low <= found.sucra).all()
    assert (found.sucra <= found.sucra_high).all()


def test_what_is_known_of_an_order_is_between_nothing_and_all():
    chain = ["b", "c", "d"], ["a", "b", "c"], ["1", "2", "3"]
    sure = stats.network_meta_analysis([10.0, 10.0, 10.0], [0.01] * 3, *chain)
    none = stats.network_meta_analysis(
        [0.0, 0.0, 0.0], [1.0] * 3, ["b", "c", "d"], ["a"] * 3, ["1", "2", "3"]
    )
    assert stats.rankogram(sure, better="lower").poth == pytest.approx(1.0)
    assert stats.rankogram(none, better="lower").poth == pytest.approx(0.0, abs=1e-12)
    assert stats.rankogram(sure, better="higher").median_rank.tolist() == [4, 3, 2, 1]


def test_with_a_component_each_the_additive_model_is_the_network():
    fit = stats.network_meta_analysis(*arguments(SENN), reference="placebo")
    found = stats.component_network(*arguments(SENN), inactive="placebo", reference="placebo")
    assert found.tau2 == pytest.approx(fit.tau2)
    assert found.league == pytest.approx(fit.effects, abs=1e-9)
    assert found.league_se == pytest.approx(fit.se, abs=1e-9)
    assert (found.q_difference_df, found.q_standard) == (0, pytest.approx(fit.q))
    alike = stats.component_network(*arguments(SENN), reference="placebo")
    assert np.isnan(alike.effects).all()
    assert alike.league == pytest.approx(fit.effects, abs=1e-9)


def test_a_network_that_falls_apart_is_joined_by_a_component():
    """a+c against c in one part, a against placebo in the other: both tell the effect of a."""
    arms = ["a+c", "a"], ["c", "none"], ["1", "2"]
    found = stats.component_network([0.4, 0.6], [0.1, 0.1], *arms, inactive="none", tau2_method="FE")
    assert found.effects == pytest.approx([0.5, np.nan], nan_ok=True)
    both, alone, a = (found.treatments.index(name) for name in ("a+c", "c", "a"))
    assert found.league[both, alone] == pytest.approx(0.5)
    assert np.isnan(found.league[both, a])
    assert found.league_se[both, alone] == pytest.approx(np.sqrt(0.05))
    assert (found.q_df, found.q_standard_df, found.q) == (1, 0, pytest.approx(0.2))
    with pytest.raises(ValueError, match="every study compares treatments of the same components"):
        stats.component_network([0.4], [0.1], ["a+none"], ["a"], ["1"], inactive="none")
    with pytest.raises(ValueError, match="treatment 'a\\+' has an empty component"):
        stats.component_network([0.4], [0.1], ["a+"], ["a"], ["1"])


def two_arms():
    events, n, treatment, study = counts()
    tables = []
    for name in dict.fromkeys(study):
        rows = {treatment[row]: row for row in range(len(study)) if study[row] == name}
        if set(rows) == {"none", "individual"}:
            tables.append([rows["individual"], rows["none"]])
    return events, n, treatment, study, np.array(tables)


def test_of_two_treatments_the_networks_of_counts_are_the_meta_analyses():
    events, n, treatment, study, tables = two_arms()
    rows = tables.ravel()
    own = events[rows], n[rows], [treatment[row] for row in rows], [study[row] for row in rows]
    one, other = tables.T
    given = events[one], n[one], events[other], n[other]
    pooled = stats.mantel_haenszel_network(*own).contrasts
    known = stats.mantel_haenszel(*given, measure="OR")
    assert -pooled.effects[0] == pytest.approx(float(known.estimate))  # none against individual
    assert np.sqrt(pooled.covariance[0, 0]) == pytest.approx(float(known.se))
    exact = stats.hypergeometric_network(*own, reference="none")
    glmm = stats.glmm(*given, model="CM.EL", common=True)
    assert exact.effects[1] == pytest.approx(glmm.estimate, rel=1e-6)
    assert np.sqrt(exact.covariance[1, 1]) == pytest.approx(glmm.se, rel=1e-4)


def test_a_single_study_of_several_arms_has_its_own_log_odds():
    events, n = np.array([12.0, 8.0, 5.0, 20.0]), np.array([50.0, 40.0, 60.0, 70.0])
    found = stats.mantel_haenszel_network(events, n, "abcd", "1111").contrasts
    odds, spread = np.log(events / (n - events)), 1 / events + 1 / (n - events)
    assert found.effects == pytest.approx(odds[1:] - odds[0])
    assert found.covariance == pytest.approx(np.diag(spread[1:]) + spread[0])


def test_the_likelihood_of_counts_is_at_its_top_by_enumeration():
    """Two studies, of three arms and of two: the events expected given their sum are those that were seen."""
    events, n = np.array([2, 4, 5, 1, 3]), np.array([20, 25, 22, 15, 14])
    arms, study = ["a", "b", "c", "b", "c"], ["1", "1", "1", "2", "2"]
    fit = stats.hypergeometric_network(events, n, arms, study)
    seen, expected, spread = np.zeros(3), np.zeros(3), np.zeros((3, 3))
    for rows in ([0, 1, 2], [3, 4]):
        at = [fit.treatments.index(arms[row]) for row in rows]
        total = events[rows].sum()
        ways = [each for each in product(*(range(total + 1) for _ in rows)) if sum(each) == total]
        chance = np.array(
            [np.prod([comb(int(n[row]), x) for row, x in zip(rows, each, strict=True)]) for each in ways],
            float,
        )
        chance *= np.exp(np.array(ways) @ fit.effects[at])
        chance /= chance.sum()
        mean = chance @ np.array(ways)
        seen[at] += events[rows]
        expected[at] += mean
        away = np.array(ways) - mean
        spread[np.ix_(at, at)] += (chance[:, None] * away).T @ away
    assert expected == pytest.approx(seen)
    assert fit.covariance[1:, 1:] == pytest.approx(np.linalg.inv(spread[1:, 1:]))
    again = stats.network_meta_analysis(*arguments(fit.contrasts()), tau2_method="FE")
    assert again.se[:, 0] == pytest.approx(np.sqrt(np.diag(fit.covariance)))


def test_counts_that_say_nothing_are_named_or_refused():
    arms = {"treatment": "abab", "study": "1122"}
    found = stats.mantel_haenszel_network([1, 3, 0, 0], [50, 50, 60, 60], **arms)
    assert (found.silent, found.studies) == (("2",), (1,))
    with pytest.raises(ValueError, match="no study has an event in one arm"):
        stats.mantel_haenszel_network([0, 0, 0, 0], [50, 50, 60, 60], **arms)
    with pytest.raises(ValueError, match="no two treatments of a study have events, and people without"):
        stats.mantel_haenszel_network([1, 0, 2, 0], [50, 50, 60, 60], **arms)
    with pytest.raises(ValueError, match="no study of a, b has events of b and people without of a"):
        stats.mantel_haenszel_network([50, 3, 2, 0], [50, 50, 60, 60], **arms)
    with pytest.raises(ValueError, match=r"events: b has no events in any study .* no finite estimate"):
        stats.hypergeometric_network([1, 0, 2, 0], [50, 50, 60, 60], **arms)
    with pytest.raises(ValueError, match="events: a has only events in any study that tells something"):
        stats.hypergeometric_network([50, 40, 60, 10], [50, 50, 60, 60], **arms)
    with pytest.raises(ValueError, match="needs whole numbers"):
        stats.hypergeometric_network([1.5, 0, 2, 0], [50, 50, 60, 60], **arms)
    with pytest.raises(ValueError, match="study '1' has a treatment twice"):
        stats.mantel_haenszel_network([1, 2], [50, 50], "aa", "11")


def test_of_a_treatment_that_has_no_event_in_a_design_mantel_and_haenszel_say_nothing():
    arms = list(zip([0, 3, 5, 0, 4, 2, 6, 1, 5, 3], [50] * 10, "abcabcabac", "1112223344", strict=True))
    found = stats.mantel_haenszel_network(*zip(*arms, strict=True))
    assert found.left_out == (("a", ("a", "b", "c")),)
    rest = stats.mantel_haenszel_network(
        *zip(*(row for row in arms if row[2:] not in [("a", "1"), ("a", "2")]), strict=True)
    )
    assert found.contrasts.effects == pytest.approx(rest.contrasts.effects)
    assert found.contrasts.covariance == pytest.approx(rest.contrasts.covariance)
    assert (found.contrasts.study[0], rest.contrasts.study[0]) == ("a, b, c", "b, c")
