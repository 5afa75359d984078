"""What the results amount to: certainty and absolute effects of every analysis, verdicts on the claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trialpool.synthesis.absolute import absolute_effect
from trialpool.synthesis.certainty import assess
from trialpool.synthesis.claims import judge_claims

Row = Mapping[str, Any]


def appraise(
    records: Sequence[Row], judgements: Sequence[Row], rules: Row, audit: Sequence[Row] = ()
) -> dict[str, Any]:
    """The appraisal: `analyses` (slug to `certainty` and `absolute`) and `claims` (see `claims`).

    `judgements` are rows of risk_of_bias.csv, `rules` the whole of config/claims.yaml as `load_claims`
    returns it, `audit` the rows of audit.csv.

    >>> appraise([], [], {"claims": {}, "certainty": {}, "verdicts": {}, "overrides": {}})
    {'analyses': {}, 'claims': []}
    """

    def certainty(record: Row) -> dict[str, Any] | None:
        overrides = rules["overrides"].get(record["analysis"])
        return assess(record, judgements, rules["certainty"], overrides, audit)

    analyses = {
        record["analysis"]: {"certainty": certainty(record), "absolute": absolute_effect(record)}
        for record in records
    }
    return {"analyses": analyses, "claims": judge_claims(rules["claims"], records, certainty, rules)}
