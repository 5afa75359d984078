"""A kind of outcome and of comparison in, the prior of τ² that the literature has for it out.

The tables are data, schemas/priors.yaml, with where they come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Required, TypedDict

from trialpool.measures import MEASURES
from trialpool.yaml_files import shipped

Prior = tuple[str, float, float]  # as `stats.bayes_pool` takes it: name, location, scale
TABLES = ("turner", "rhodes")
BESIDE = 0.5  # the scale of the weakly informative priors that stand beside one of the literature


class Setting(TypedDict, total=False):
    """The prior of τ of an analysis: half-normal, `unit` "sd" where its scale is in typical SDs.

    One of the literature has the `name location spread` of the logarithm of τ² besides; the scale is then
    that of the half-normal one beside it.
    """

    scale: Required[float]
    source: Required[str]
    unit: str
    name: str
    location: float
    spread: float


def turner_prior(outcome: str = "any", comparison: str = "any") -> Prior:
    """The log-normal prior of τ² of log odds ratios of Turner et al. 2015, for `bayes` and `pool`.

    `outcome` is of all_cause_mortality, obstetric, cause_specific_mortality, resource_use, surgical,
    withdrawals, structure, general_physical_health, adverse_events, infection, signs_and_symptoms, pain,
    quality_of_life, mental_health, biological_markers and subjective; `comparison` as
    pharmacological_vs_placebo. Without both it is the prior of all meta-analyses together. Raises ValueError
    for a word that the table has not.

    >>> turner_prior("pain", "pharmacological_vs_placebo")
    ('log_normal', -1.83, 1.52)
    """
    return _looked_up("turner", outcome, comparison)


def rhodes_prior(outcome: str = "any", comparison: str = "any") -> Prior:
    """The log-t prior (5 df) of τ² of standardised mean differences of Rhodes et al. 2015.

    `outcome` is of obstetric, resource_use, structure, general_physical_health, signs_and_symptoms,
    mental_health, biological_markers and subjective; `comparison` pharmacological_vs_placebo,
    pharmacological_vs_pharmacological or non_pharmacological. Medical areas other than cancer and respiratory
    diseases, which have tables of their own in the paper. Raises ValueError for a word that it has not.

    >>> rhodes_prior("mental_health", "pharmacological_vs_placebo"), rhodes_prior()
    (('log_t', -2.99, 2.16), ('log_t', -3.44, 2.59))
    """
    return _looked_up("rhodes", outcome, comparison)


def _looked_up(table: str, outcome: str, comparison: str) -> Prior:
    known = shipped("priors")[table]
    for name, word, of in slips(table, {"outcome": outcome, "comparison": comparison}):
        raise ValueError(f"{name}: {word!r} is none of {', '.join(of)}")
    if outcome == "any":
        location, scale = known["any"]
    else:
        location, scale = known["outcomes"][outcome]["of"][list(known["comparisons"]).index(comparison)]
    return known["prior"], location, scale


def slips(table: str, asked: Mapping[str, str]) -> list[tuple[str, str, list[str]]]:
    """What is asked of a table that it has not: outcome or comparison, the word, those that there are."""
    known, found = shipped("priors")[table], []
    for name, of in (("outcome", known["outcomes"]), ("comparison", known["comparisons"])):
        other = asked["comparison" if name == "outcome" else "outcome"]
        words = [*of] if other != "any" else [*of, "any"]
        if asked[name] not in words:
            found.append((name, asked[name], words))
    return found


def source_of(prior: Prior) -> str:
    """The paper whose table has a prior; "" for none.

    >>> source_of(turner_prior())
    'Turner et al. 2015, Stat Med 34: 984–998, table IV, doi 10.1002/sim.6381'
    """
    return str(shipped("priors")[table]["source"]) if (table := _table_of(prior)) else ""


def _table_of(prior: Sequence[Any]) -> str:
    for table, known in ((table, shipped("priors")[table]) for table in TABLES):
        cells = [known["any"], *(cell for row in known["outcomes"].values() for cell in row["of"])]
        if [*prior] in [[known["prior"], *cell] for cell in cells]:
            return table
    return ""


def check_measure(prior: Sequence[Any], measure: str) -> None:
    """Refuse a prior that the literature has for effects of another measure, with a ValueError.

    >>> check_measure(turner_prior(), "MD")
    Traceback (most recent call last):
    ValueError: prior: Turner et al. 2015 have it for odds ratios (OR), not for MD: give a scale, or pool OR
    """
    if (table := _table_of(prior)) and (own := shipped("priors")[table]["measure"]) != measure:
        other = next((each for each in TABLES if shipped("priors")[each]["measure"] == measure), "")
        remedy = f"take {other}_prior, or give a scale" if other else f"give a scale, or pool {own}"
        paper, of = shipped("priors")[table]["source"].partition(",")[0], f"{MEASURES[own].name}s ({own})"
        raise ValueError(f"prior: {paper} have it for {of}, not for {measure}: {remedy}")


def setting_of(prior: float | Prior) -> Setting:
    """A scale, or a prior of the logarithm of τ², as an analysis has it.

    >>> setting_of(0.3), setting_of(("log_normal", -2.0, 1.5))["spread"]
    ({'scale': 0.3, 'source': ''}, 1.5)
    """
    if not isinstance(prior, tuple):
        return {"scale": prior, "source": ""}
    name, location, spread = prior
    own: Setting = {"scale": BESIDE, "source": source_of(prior)}
    return {**own, "name": name, "location": location, "spread": spread}


def literature_of(setting: Setting | Mapping[str, Any] | None) -> Prior | None:
    """The prior of the logarithm of τ² that an analysis has, as `stats.bayes_pool` takes it; None for none.

    >>> literature_of(setting_of(turner_prior())), literature_of(setting_of(0.5))
    (('log_normal', -2.56, 1.74), None)
    """
    return (
        (setting["name"], setting["location"], setting["spread"]) if setting and "name" in setting else None
    )


def literature_prior(table: str, asked: Mapping[str, str]) -> Setting:
    """A prior that a protocol names, with the row of the table in its source.

    >>> literature_prior("rhodes", {"outcome": "subjective", "comparison": "non_pharmacological"})["spread"]
    2.41
    """
    known = shipped("priors")[table]
    outcome, comparison = asked.get("outcome", "any"), asked.get("comparison", "any")
    name, location, scale = _looked_up(table, outcome, comparison)
    of = "all outcomes and comparisons together"
    if outcome != "any":
        of = f"{known['outcomes'][outcome]['name']}, {known['comparisons'][comparison]}"
    own = setting_of((name, location, scale))
    return {**own, "source": f"{known['source']}; {of}"}
