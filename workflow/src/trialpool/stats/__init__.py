"""Pure numbers: arrays in, frozen records out. Needs nothing but numpy and scipy.

Effects are experimental minus (or over) control; studies lie along the last axis, and every leading axis
is a batch of separate analyses computed together. A name loads its module when it is first asked for (PEP
562): the import itself costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trialpool.measures import FURTHER_TAU2, TAU2_METHODS

# fmt: off
# ruff: isort: off
if TYPE_CHECKING:  # what HOMES says, for those who read the names without running the module
    from trialpool.stats.bayes import BayesPool, bayes_pool, posterior_below, predictive_below
    from trialpool.stats.bayes_moderators import BayesRegression, bayes_regression
    from trialpool.stats.bias import (
        Begg, Egger, FailSafe, PetPeese, TrimAndFill, begg, egger, fail_safe_n, pet_peese, trim_and_fill,
    )
    from trialpool.stats.convert import (
        Absolute, Arm, Beyond, EValue, FromQuartiles, Units, absolute_effect, beyond_mcid,
        change_correlation, change_sd, combine_arms, e_value, log_odds_ratio_to_smd,
        mean_sd_from_quartiles, paired_effects, probability_below, sd_from_ci, sd_from_difference_se,
        sd_from_se, se_from_ci, se_from_p, se_from_sd, smd_to_log_odds_ratio, smd_to_units,
    )
    from trialpool.stats.dependent import (
        ComponentIntervals, Multilevel, MultilevelRegression, Robust, RobustRegression,
        component_intervals, correlated_effects, multilevel, multilevel_regression, robust_pool,
        robust_regression,
    )
    from trialpool.stats.doses import DoseResponse, dose_response, predict_dose
    from trialpool.stats.effect_sizes import (
        ZERO_CELLS, Effects, SharedControl, arcsine_difference, hedges_factor, heteroscedastic_smd,
        log_cv_ratio, log_variability_ratio, mean_difference, odds_ratio, peto_odds_ratio,
        rate_difference, rate_ratio, ratio_of_means, risk_difference, risk_ratio, shared_control_events,
        shared_control_means, standardized_mean_change, standardized_mean_difference,
    )
    from trialpool.stats.event_bias import EVENT_TESTS, event_test
    from trialpool.stats.further_bias import (
        Copas, ExcessSignificance, LimitMeta, PUniform, SmoothSelection, copas, excess_significance,
        limit_meta_analysis, p_uniform, smooth_selection,
    )
    from trialpool.stats.further_intervals import (
        PREDICTIONS, CommonWeights, Interval, generalised_q_interval, henmi_copas, ivhet,
        prediction_interval, profile_interval,
    )
    from trialpool.stats.location_scale import LocationScale, location_scale_model
    from trialpool.stats.missing_outcomes import (
        TippingPoint, WithMissing, gamble_hollis, missing_events, missing_means, tipping_point,
    )
    from trialpool.stats.mixed_events import Glmm, glmm, glmm_single
    from trialpool.stats.multivariate import Multivariate, Random, multivariate_model, sampling_covariance
    from trialpool.stats.network import (
        Contrasts, Inconsistency, NetworkFit, NodeSplit, Ranking, contrasts_from_arms,
        contrasts_from_pairs, network_inconsistency, network_meta_analysis, node_split, rank_treatments,
    )
    from trialpool.stats.network_components import ComponentNetwork, component_network
    from trialpool.stats.network_counts import (
        Hypergeometric, PooledDesigns, hypergeometric_network, mantel_haenszel_network,
    )
    from trialpool.stats.network_evidence import (
        AdjustedEffects, Contributions, EvidenceSplit, NetHeat, comparison_adjusted, contributions,
        evidence_split, net_heat,
    )
    from trialpool.stats.network_ranks import Rankogram, rankogram
    from trialpool.stats.pooling import (
        INTERVALS, Bootstrap, Gosh, Influence, Pooled, PooledTables, Shrunken, Tau2Interval, blup,
        bootstrap, cumulative, gosh, influence, leave_one_out, pool, tau2_interval,
    )
    from trialpool.stats.regression import (
        LikelihoodRatio, MetaRegression, PermutationTest, Predicted, Subgroups, WaldTest,
        likelihood_ratio, meta_regression, permutation_test, predict, subgroups, vif, wald_test,
    )
    from trialpool.stats.robust import RobustBayes, robust_bayes
    from trialpool.stats.selection import SelectionModel, selection_model
    from trialpool.stats.sequential import (
        Sequential, boundaries, diversity, information_size, sequential_analysis,
    )
    from trialpool.stats.single_group import back_transformed, correlation, proportion, rate, single_mean
    from trialpool.stats.small_samples import KenwardRoger, kenward_roger
    from trialpool.stats.sparse import Penalised, mantel_haenszel, penalised, peto

__all__ = [
    "EVENT_TESTS", "FURTHER_TAU2", "INTERVALS", "PREDICTIONS", "TAU2_METHODS", "ZERO_CELLS", "Absolute",
    "AdjustedEffects", "Arm", "BayesPool", "BayesRegression", "Begg", "Beyond", "Bootstrap",
    "CommonWeights", "ComponentIntervals", "ComponentNetwork", "Contrasts", "Contributions", "Copas",
    "DoseResponse", "EValue", "Effects", "Egger", "EvidenceSplit", "ExcessSignificance", "FailSafe",
    "FromQuartiles", "Glmm", "Gosh", "Hypergeometric", "Inconsistency", "Influence", "Interval",
    "KenwardRoger", "LikelihoodRatio", "LimitMeta", "LocationScale", "MetaRegression", "Multilevel",
    "MultilevelRegression", "Multivariate", "NetHeat", "NetworkFit", "NodeSplit", "PUniform", "Penalised",
    "PermutationTest", "PetPeese", "Pooled", "PooledDesigns", "PooledTables", "Predicted", "Random",
    "Ranking", "Rankogram", "Robust", "RobustBayes", "RobustRegression", "SelectionModel", "Sequential",
    "SharedControl", "Shrunken", "SmoothSelection", "Subgroups", "Tau2Interval", "TippingPoint",
    "TrimAndFill", "Units", "WaldTest", "WithMissing", "absolute_effect", "arcsine_difference",
    "back_transformed", "bayes_pool", "bayes_regression", "begg", "beyond_mcid", "blup", "bootstrap",
    "boundaries", "change_correlation", "change_sd", "combine_arms", "comparison_adjusted",
    "component_intervals", "component_network", "contrasts_from_arms", "contrasts_from_pairs",
    "contributions", "copas", "correlated_effects", "correlation", "cumulative", "diversity",
    "dose_response", "e_value", "egger", "event_test", "evidence_split", "excess_significance",
    "fail_safe_n", "gamble_hollis", "generalised_q_interval", "glmm", "glmm_single", "gosh",
    "hedges_factor", "henmi_copas", "heteroscedastic_smd", "hypergeometric_network", "influence",
    "information_size", "ivhet", "kenward_roger", "leave_one_out", "likelihood_ratio",
    "limit_meta_analysis", "location_scale_model", "log_cv_ratio", "log_odds_ratio_to_smd",
    "log_variability_ratio", "mantel_haenszel", "mantel_haenszel_network", "mean_difference",
    "mean_sd_from_quartiles", "meta_regression", "missing_events", "missing_means", "multilevel",
    "multilevel_regression", "multivariate_model", "net_heat", "network_inconsistency",
    "network_meta_analysis", "node_split", "odds_ratio", "p_uniform", "paired_effects", "penalised",
    "permutation_test", "pet_peese", "peto", "peto_odds_ratio", "pool", "posterior_below", "predict",
    "predict_dose", "prediction_interval", "predictive_below", "probability_below", "profile_interval",
    "proportion", "rank_treatments", "rankogram", "rate", "rate_difference", "rate_ratio",
    "ratio_of_means", "risk_difference", "risk_ratio", "robust_bayes", "robust_pool", "robust_regression",
    "sampling_covariance", "sd_from_ci", "sd_from_difference_se", "sd_from_se", "se_from_ci", "se_from_p",
    "se_from_sd", "selection_model", "sequential_analysis", "shared_control_events",
    "shared_control_means", "single_mean", "smd_to_log_odds_ratio", "smd_to_units", "smooth_selection",
    "standardized_mean_change", "standardized_mean_difference", "subgroups", "tau2_interval",
    "tipping_point", "trim_and_fill", "vif", "wald_test",
]
# fmt: on

HOMES = {  # the module in which each public name is defined
    "bayes": "BayesPool bayes_pool posterior_below predictive_below",
    "bayes_moderators": "BayesRegression bayes_regression",
    "bias": "Begg Egger FailSafe PetPeese TrimAndFill begg egger fail_safe_n pet_peese trim_and_fill",
    "convert": (
        "Absolute Arm Beyond EValue FromQuartiles Units absolute_effect beyond_mcid change_correlation "
        "change_sd combine_arms e_value log_odds_ratio_to_smd mean_sd_from_quartiles paired_effects "
        "probability_below sd_from_ci sd_from_difference_se sd_from_se se_from_ci se_from_p se_from_sd "
        "smd_to_log_odds_ratio smd_to_units"
    ),
    "dependent": (
        "ComponentIntervals Multilevel MultilevelRegression Robust RobustRegression component_intervals "
        "correlated_effects multilevel multilevel_regression robust_pool robust_regression"
    ),
    "doses": "DoseResponse dose_response predict_dose",
    "effect_sizes": (
        "ZERO_CELLS Effects SharedControl arcsine_difference hedges_factor heteroscedastic_smd log_cv_ratio "
        "log_variability_ratio mean_difference odds_ratio peto_odds_ratio rate_difference rate_ratio "
        "ratio_of_means risk_difference risk_ratio shared_control_events shared_control_means "
        "standardized_mean_change standardized_mean_difference"
    ),
    "event_bias": "EVENT_TESTS event_test",
    "further_bias": (
        "Copas ExcessSignificance LimitMeta PUniform SmoothSelection copas excess_significance "
        "limit_meta_analysis p_uniform smooth_selection"
    ),
    "further_intervals": (
        "PREDICTIONS CommonWeights Interval generalised_q_interval henmi_copas ivhet prediction_interval "
        "profile_interval"
    ),
    "location_scale": "LocationScale location_scale_model",
    "missing_outcomes": "TippingPoint WithMissing gamble_hollis missing_events missing_means tipping_point",
    "mixed_events": "Glmm glmm glmm_single",
    "multivariate": "Multivariate Random multivariate_model sampling_covariance",
    "network": (
        "Contrasts Inconsistency NetworkFit NodeSplit Ranking contrasts_from_arms contrasts_from_pairs "
        "network_inconsistency network_meta_analysis node_split rank_treatments"
    ),
    "network_components": "ComponentNetwork component_network",
    "network_counts": "Hypergeometric PooledDesigns hypergeometric_network mantel_haenszel_network",
    "network_evidence": (
        "AdjustedEffects Contributions EvidenceSplit NetHeat comparison_adjusted contributions "
        "evidence_split net_heat"
    ),
    "network_ranks": "Rankogram rankogram",
    "pooling": (
        "INTERVALS Bootstrap Gosh Influence Pooled PooledTables Shrunken Tau2Interval blup bootstrap "
        "cumulative gosh influence leave_one_out pool tau2_interval"
    ),
    "regression": (
        "LikelihoodRatio MetaRegression PermutationTest Predicted Subgroups WaldTest likelihood_ratio "
        "meta_regression permutation_test predict subgroups vif wald_test"
    ),
    "robust": "RobustBayes robust_bayes",
    "selection": "SelectionModel selection_model",
    "sequential": "Sequential boundaries diversity information_size sequential_analysis",
    "single_group": "back_transformed correlation proportion rate single_mean",
    "small_samples": "KenwardRoger kenward_roger",
    "sparse": "Penalised mantel_haenszel penalised peto",
}
_MODULE_OF = {name: module for module, names in HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """A public name, kept from then on, or a module of this package."""
    if name in _MODULE_OF:
        value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
        return value
    if name in HOMES or name == "checks":
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
