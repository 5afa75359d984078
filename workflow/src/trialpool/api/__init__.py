"""The library: tables of trials in, fits out that print a line, become frames and draw themselves.

`trialpool.effects`, `trialpool.pool` and `trialpool.network` are these three functions. No statistics are
computed here: every number comes from `trialpool.stats`, by the policy of `synthesis`, and every figure is
the one that a review gets.
"""

from trialpool.api.data import Dataset, effects
from trialpool.api.fit import Fit, pool
from trialpool.api.networks import NetworkFit, component_network, network
from trialpool.api.results import Regression, Result

__all__ = [
    "Dataset",
    "Fit",
    "NetworkFit",
    "Regression",
    "Result",
    "component_network",
    "effects",
    "network",
    "pool",
]
