"""Read config/claims.yaml: the rules of certainty and verdicts, overrides, and the claims themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from trialpool.errors import Fault, InputError, suggestion
from trialpool.evidence.risk_of_bias import NOT_BIAS
from trialpool.synthesis.certainty import DOMAINS, LEVELS
from trialpool.synthesis.verdicts import KINDS
from trialpool.yaml_files import Lines, read_yaml

DEFAULT_RULES: dict[str, dict[str, Any]] = {
    "certainty": {
        "risk_of_bias": {
            "serious_share": 50.0,
            "very_serious_share": 50.0,
            "open_controls": ["usual_care", "waitlist"],
            "self_reported": [
                *("pain", "symptom_score", "quality_of_life", "sensory_function", "function", "responder"),
            ],
            "not_bias": list(NOT_BIAS),
            **{"questioned_share": 50.0, "grave_share": 20.0, "very_grave_share": 50.0},
        },
        "inconsistency": {"i2_serious": 50.0, "i2_very_serious": 75.0},
        "indirectness": {"surrogate_domains": ["nerve_conduction"]},
        "imprecision": {
            **{"alpha": 0.05, "power": 0.8, "people": 400, "fewest_people": 100},
            **{"standardised": 0.2, "relative_change": 0.25, "absolute_change": 0.05},
        },
        "publication_bias": {"silent_share": 30.0, "asymmetry_p": 0.1, "asymmetry_trials": 10},
    },
    "verdicts": {
        **{"trials": 2, "supported_certainty": "moderate", "suggested_certainty": "low"},
        **{"harm_margin_ratio": 0.25, "harm_margin_difference": 0.05},
    },
}
PART_KEYS = ("statement", "kind", "analyses", "where")
CLAIM_KEYS = (*PART_KEYS, "name", "parts", "also")
TOP_KEYS = ("certainty", "verdicts", "overrides", "claims")
DOSES = ("sessions", "programme_weeks", "sessions_per_week", "weeks")


def load_claims(path: str | None, analyses: Iterable[str]) -> dict[str, Any]:
    """The rules with their defaults filled in, the overrides and the claims; without a file, no claim.

    Raises InputError naming every unknown key, analysis, kind and level, with the nearest known word.

    >>> load_claims(None, [])["claims"]
    {}
    """
    given, lines = read_yaml(path) if path else ({}, {})
    given = given or {}
    known = list(analyses)
    faults = list(_faults(given, known, str(path), lines))
    if faults:
        raise InputError(faults)
    certainty = {
        domain: {**rules, **(given.get("certainty") or {}).get(domain, {})}
        for domain, rules in DEFAULT_RULES["certainty"].items()
    }
    return {
        "certainty": certainty,
        "verdicts": {**DEFAULT_RULES["verdicts"], **(given.get("verdicts") or {})},
        "overrides": given.get("overrides") or {},
        "claims": given.get("claims") or {},
    }


def _faults(given: Mapping[str, Any], known: Sequence[str], file: str, lines: Lines) -> Iterator[Fault]:
    def unknown(place: tuple[str, ...], words: Iterable[str], allowed: Iterable[str]) -> Iterator[Fault]:
        allowed = list(allowed)
        for word in words:
            if word not in allowed:
                row = lines.get((*place, str(word))) or lines.get(place)
                yield _unknown(file, row, ".".join(place), str(word), allowed)

    yield from unknown((), given, TOP_KEYS)
    yield from _rule_faults(given, unknown)
    for analysis, domains in (given.get("overrides") or {}).items():
        yield from unknown(("overrides",), [analysis], known)
        yield from unknown(("overrides", analysis), domains, DOMAINS)
        for domain, override in domains.items():
            yield from _override_faults(override, file, lines, ("overrides", analysis, domain))
    for slug, claim in (given.get("claims") or {}).items():
        place = ("claims", slug)
        yield from unknown(place, claim, CLAIM_KEYS)
        yield from unknown(place, claim.get("also") or [], known)
        for part in claim.get("parts") or [claim]:
            yield from unknown(place, part, CLAIM_KEYS)
            yield from _missing(part, file, lines, place)
            yield from unknown(place, [part["kind"]] if "kind" in part else [], KINDS)
            yield from unknown(place, part.get("analyses") or [], known)
            yield from unknown(place, part.get("where") or {}, DOSES)


def _rule_faults(given: Mapping[str, Any], unknown: Callable[..., Iterator[Fault]]) -> Iterator[Fault]:
    for domain, rules in (given.get("certainty") or {}).items():
        yield from unknown(("certainty",), [domain], DOMAINS)
        yield from unknown(("certainty", domain), rules, DEFAULT_RULES["certainty"].get(domain, {}))
    verdicts = given.get("verdicts") or {}
    yield from unknown(("verdicts",), verdicts, DEFAULT_RULES["verdicts"])
    for key in ("supported_certainty", "suggested_certainty"):
        yield from unknown(("verdicts", key), [verdicts.get(key, "low")], LEVELS)


def _missing(part: Mapping[str, Any], file: str, lines: Lines, place: tuple[str, ...]) -> Iterator[Fault]:
    for key in ("statement", "kind", "analyses"):
        if not part.get(key):
            problem = f"the key '{key}' is missing"
            yield Fault(file, lines.get(place), ".".join(place), "", problem, "add it, see config/README.md")


def _override_faults(override: Any, file: str, lines: Lines, place: tuple[str, ...]) -> Iterator[Fault]:
    sound = isinstance(override, Mapping) and override.get("levels") in (0, 1, 2) and override.get("reason")
    if not sound:
        problem = "an override needs `levels` (0, 1 or 2) and a `reason`"
        yield Fault(file, lines.get(place), ".".join(place), "", problem, "give both: the reason is shown")


def _unknown(file: str, row: int | None, place: str, word: str, allowed: Sequence[str]) -> Fault:
    return Fault(file, row, place, word, "not known here", suggestion(word, allowed))
