"""Pure numbers: arrays in, frozen records out. Needs nothing but numpy and scipy's special functions.

Effects are experimental minus (or over) control; studies lie along the last axis, and every leading axis
is a batch of separate analyses computed together.
"""

from trialpool.stats.convert import (
    Arm,
    change_correlation,
    change_sd,
    combine_arms,
    log_odds_ratio_to_smd,
    paired_effects,
    sd_from_ci,
    sd_from_difference_se,
    sd_from_se,
    se_from_ci,
    se_from_p,
    se_from_sd,
    smd_to_log_odds_ratio,
)
from trialpool.stats.effects import (
    Effects,
    hedges_factor,
    mean_difference,
    ratio_of_means,
    standardized_mean_difference,
)
from trialpool.stats.events import odds_ratio, peto_odds_ratio, risk_difference, risk_ratio
from trialpool.stats.heterogeneity import TAU2_METHODS
from trialpool.stats.pooling import INTERVALS, Pooled, pool
from trialpool.stats.profile import Tau2Interval, tau2_interval
from trialpool.stats.quartiles import FromQuartiles, mean_sd_from_quartiles
from trialpool.stats.shared import SharedControl, shared_control_events, shared_control_means

__all__ = [
    "INTERVALS",
    "TAU2_METHODS",
    "Arm",
    "Effects",
    "FromQuartiles",
    "Pooled",
    "SharedControl",
    "Tau2Interval",
    "change_correlation",
    "change_sd",
    "combine_arms",
    "hedges_factor",
    "log_odds_ratio_to_smd",
    "mean_difference",
    "mean_sd_from_quartiles",
    "odds_ratio",
    "paired_effects",
    "peto_odds_ratio",
    "pool",
    "ratio_of_means",
    "risk_difference",
    "risk_ratio",
    "sd_from_ci",
    "sd_from_difference_se",
    "sd_from_se",
    "se_from_ci",
    "se_from_p",
    "se_from_sd",
    "shared_control_events",
    "shared_control_means",
    "smd_to_log_odds_ratio",
    "standardized_mean_difference",
    "tau2_interval",
]
