"""A kind of outcome and of comparison in, the prior of τ² that the literature has for it out.

The tables are data, schemas/priors.yaml, with where they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trialpool.yaml_files import shipped

Prior = tuple[str, float, float]  # as `stats.bayes_pool` takes it: name, location, scale
TABLES = ("turner", "rhodes")


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


def source_of(prior: tuple[str, float, float]) -> str:
    """The paper whose table has a prior; "" for none.

    >>> source_of(turner_prior())
    'Turner et al. 2015, Stat Med 34: 984–998, table IV, doi 10.1002/sim.6381'
    """
    for known in (shipped("priors")[table] for table in TABLES):
        cells = [known["any"], *(cell for row in known["outcomes"].values() for cell in row["of"])]
        if prior[0] == known["prior"] and [*prior[1:]] in cells:
            return str(known["source"])
    return ""


def literature_prior(table: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """A prior that a protocol names, by what methods say of it: `name location spread source`.

    >>> literature_prior("rhodes", {"outcome": "subjective", "comparison": "non_pharmacological"})["spread"]
    2.41
    """
    known = shipped("priors")[table]
    outcome, comparison = asked.get("outcome", "any"), asked.get("comparison", "any")
    name, location, scale = _looked_up(table, outcome, comparison)
    of = "all outcomes and comparisons together"
    if outcome != "any":
        of = f"{known['outcomes'][outcome]['name']}, {known['comparisons'][comparison]}"
    return {"name": name, "location": location, "spread": scale, "source": f"{known['source']}; {of}"}
