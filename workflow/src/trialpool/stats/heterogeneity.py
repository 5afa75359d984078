"""Between-study variance tau2 by nine methods, for a whole chunk of analyses at once.

Names and numbers are those of the literature's reference software: Veroniki et al. 2016 review them all.
"""

from __future__ import annotations

import numpy as np

from trialpool.stats.checks import Floats
from trialpool.stats.forms import Start, centred_squares, generalised_q, spread, unweighted
from trialpool.stats.likelihood import STEP_TOLERANCE, TINY, maximise
from trialpool.stats.model import Model, take

TAU2_METHODS = ("FE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")


def estimate_tau2(model: Model, begin: Start, method: str) -> Floats:
    """Estimate tau2 (n,), never below 0; one study alone has tau2 = 0.

    FE 0; DL DerSimonian & Laird 1986; HE Hedges 1983 (unweighted); HS Hunter & Schmidt, (Q - k)/Σw;
    SJ Sidik & Jonkman 2005 in two steps; ML and REML see `likelihood`; PM Paule & Mandel 1982, to which
    EB (Morris 1983) is identical (Viechtbauer et al. 2015).
    """
    freedom = np.maximum(model.freedom, 1)
    if method == "FE":
        tau2 = np.zeros(len(model.count))
    elif method == "DL":
        tau2 = (begin.q - freedom) / np.maximum(begin.trace, TINY)
    elif method == "HE":
        squares, expected = unweighted(model)
        tau2 = (squares - expected) / freedom
    elif method == "HS":
        tau2 = (begin.q - model.count) / begin.weight
    elif method == "SJ":
        seed = centred_squares(model) / model.count
        tau2 = seed * generalised_q(model, seed)[0] / freedom
    elif method in ("EB", "PM"):
        tau2 = solve_q(model, begin, freedom)
    else:
        tau2 = maximise(model, begin, method == "REML")
    tau2 = np.maximum(tau2, 0.0) * (model.freedom > 0)
    return tau2


def solve_q(model: Model, begin: Start, target: Floats) -> Floats:
    """Find the tau2 at which the generalised Q(tau2) = y'Py has fallen to `target`; 0 if it starts below.

    1/Q is concave and rising in tau2, so Newton's method from the left never oversteps the root.
    """
    answer = np.zeros(len(model.count))
    index = np.flatnonzero(begin.q > target)
    part = model if len(index) == len(answer) else take(model, index)
    least, goal, t = spread(part)[0], target[index], np.zeros(len(index))
    q, slope = begin.q[index], begin.squares[index]
    for _ in range(200):
        if not len(index):
            break
        step = (q / goal - 1) * q / slope
        t = np.maximum(t + step, 0.0)
        answer[index] = t
        keep = abs(step) > STEP_TOLERANCE * (t + least)
        if not keep.any():
            break
        if 3 * keep.sum() < 2 * len(keep):
            part = take(part, keep)
            index, least, goal, t = index[keep], least[keep], goal[keep], t[keep]
        q, slope = generalised_q(part, t)
    return answer
