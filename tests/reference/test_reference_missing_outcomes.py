"""Missing outcomes and sequential boundaries against their formulas written out in R."""

import numpy as np
import pytest

from tests.reference.agreement import FLOOR, Comparison, reference
from trialpool.stats import boundaries, gamble_hollis, missing_events, missing_means, pool

ANSWERS = reference("missing_outcomes")
TRIALS = {name: np.array(column, dtype=float) for name, column in ANSWERS["haloperidol"].items()}
TABLE = [
    *(TRIALS["r1"], TRIALS["r1"] + TRIALS["f1"], TRIALS["m1"]),
    *(TRIALS["r2"], TRIALS["r2"] + TRIALS["f2"], TRIALS["m2"]),
]


@pytest.mark.parametrize("number", range(len(ANSWERS["imor"])))
def test_informative_missingness_agrees(number: int) -> None:
    theirs, compare = ANSWERS["imor"][number], Comparison()
    kind = {name: theirs[name] for name in ("imor1", "imor2", "measure")}
    effect, variance = missing_events(*TABLE, **kind)
    compare("effect", effect, theirs["effects"], floor=FLOOR)
    compare("variance", variance, theirs["variances"])
    fit = pool(effect, variance, interval="wald")
    for field, wanted in (("estimate", "estimate"), ("ci_low", "low"), ("ci_high", "high")):
        compare(field, getattr(fit, field), theirs[wanted], relative=1e-8, floor=FLOOR)
    compare.finish()


def test_gamble_and_hollis_agree() -> None:
    compare = Comparison()
    found = gamble_hollis(*TABLE)
    compare("effect", found.effect, ANSWERS["gamble_hollis"]["effects"], floor=FLOOR)
    compare("variance", found.variance, ANSWERS["gamble_hollis"]["variances"])
    compare.finish()


def test_an_endless_odds_ratio_gives_every_missing_the_event() -> None:
    """The worst case by counting: events and people of the whole arm."""
    effect, _ = missing_events(*TABLE, imor1=np.inf, imor2=0.0, measure="RD")
    r1, n1, m1, r2, n2, m2 = TABLE
    full = (TRIALS["r1"] > 0) & (TRIALS["r2"] > 0) & (TRIALS["f1"] > 0) & (TRIALS["f2"] > 0)
    assert effect[full] == pytest.approx(((r1 + m1) / (n1 + m1) - r2 / (n2 + m2))[full], rel=1e-12)


def test_means_move_by_the_share_of_the_missing() -> None:
    """Mavridis et al. 2015, equations 3 and 4, by hand."""
    effect, variance = missing_means(10, 2, 40, 10, 12, 3, 45, 5, imdom1=1.5, imdom2=-0.5, uncertainty=0.4)
    assert effect == pytest.approx(10 + 0.2 * 1.5 - (12 - 0.1 * 0.5), rel=1e-12)
    one = 4 / 40 + 0.2 * 0.8 / 50 * 1.5**2 + 0.2**2 * 0.16
    two = 9 / 45 + 0.1 * 0.9 / 50 * 0.25 + 0.1**2 * 0.16
    assert variance == pytest.approx(one + two, rel=1e-12)


@pytest.mark.parametrize("name", ANSWERS["boundaries"])
def test_sequential_boundaries_agree(name: str) -> None:
    theirs, compare = ANSWERS["boundaries"][name], Comparison()
    spending = "pocock" if name == "pocock" else "obrien_fleming"
    compare("bounds", boundaries(theirs["t"], spending=spending), theirs["bounds"], relative=1e-8)
    compare.finish()
