"""Records of several analyses in, the network of their treatments out: direct and indirect comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, groupby, permutations
from typing import Any

import numpy as np

from trialpool import records as rec
from trialpool.errors import suggestion
from trialpool.measures import MEASURES
from trialpool.records import LeagueRow, Network, NetworkContrast, NodeSplit, Rank, Record, Study, taken
from trialpool.synthesis.pool import Floats, arm_numbers, numbers_of, shared_control
from trialpool.yaml_files import Slip, read_checked

Rules = Mapping[str, Any]
SMALLEST = 3
SIDES = ("experimental", "control")
OUTCOME = ("instrument", "item", "weeks")
NOT_FITTED: Rules = {"fit": None, "league": (), "ranking": (), "inconsistency": None, "splits": ()}
SAME = ("measure", "scale", "better")


Entry = tuple[Study, tuple[str, str]]  # an effect of a trial, and the two treatments of the network


class Contrast(NetworkContrast):
    """One comparison of a trial on the analysis scale, with its covariance with each of them; its arms."""

    covariances: tuple[float, ...]
    arms: frozenset[str]


def build_network(name: str, rules: Rules, records: Sequence[Record]) -> Network:
    """Everything known of one network: treatments, comparisons, fit, league, ranking, inconsistency.

    `records` are those of its analyses, in the order listed. The largest connected part with at least three
    treatments is fitted (REML, common heterogeneity, multi-arm correlation); `sentence` says what is not.
    """
    contrasts = contrasts_of(records, rules["nodes"])
    unused = _unused(records, rules["nodes"], contrasts)
    found = network_of(name, rules, records[0], contrasts, unused)
    return replace(found, analyses=tuple(record.analysis for record in records))


def network_of(
    name: str,
    rules: Rules,
    first: Record,
    contrasts: Sequence[Contrast],
    unused: Mapping[str, Sequence[str]] | None = None,
) -> Network:
    """The network of some contrasts, those of a trial together; measure, scale and words are `first`'s.

    `rules` has its `title` and `reference`, `unused` the arms that are in none of the contrasts.
    """
    parts = components(contrasts)
    whole = parts[0] if parts and len(parts[0]) >= SMALLEST else []
    inside = [contrast for contrast in contrasts if contrast.experimental in whole]
    fitted = _fitted(name, rules, first, inside, whole) if whole else NOT_FITTED
    return taken(
        Network,
        first,
        network=name,
        title=rules["title"],
        analyses=(),
        trials=len({contrast.study for contrast in contrasts}),
        outcomes=tuple(sorted({contrast.outcome for contrast in contrasts})),
        parts=tuple(map(tuple, parts)),
        edges=_edges(contrasts),
        studies=tuple(taken(NetworkContrast, contrast) for contrast in contrasts),
        sentence=_sentence(parts, whole, unused or {}),
        **fitted,
    )


def contrasts_of(records: Sequence[Record], nodes: Mapping[str, str]) -> list[Contrast]:
    """The contrasts of all trials, each trial's arms - 1, sorted by trial.

    A trial that the analyses hold with one pair of treatments gives that effect as it stands. A trial with
    several pairs is taken apart into its arms and all are compared with the one in most pairs; arms without
    numbers of their own cannot share a variance, so of such a trial the first pair is kept. Only the outcome
    of the trial's first row counts.
    """
    by_study: dict[str, list[Entry]] = {}
    for study, pair in _entries(records, nodes):
        known = by_study.setdefault(study.study_id, [(study, pair)])
        same = all(getattr(known[0][0], name) == getattr(study, name) for name in OUTCOME)
        if same and {*pair} not in [{*other} for _, other in known]:
            known.append((study, pair))
    return [contrast for study in sorted(by_study) for contrast in _of_trial(by_study[study])]


def _entries(records: Sequence[Record], nodes: Mapping[str, str]) -> Iterator[Entry]:
    for record in records:
        for study in record.studies:
            one, other = (_node(study.categories(side), nodes) for side in SIDES)
            if one is not None and other is not None and one != other:
                yield study, (one, other)


def _arms(study: Study) -> set[str]:
    return {arm for side in SIDES for arm in (getattr(study, f"arm_{side}") or "").split("+") if arm}


def _unused(
    records: Sequence[Record], nodes: Mapping[str, str], contrasts: Sequence[Contrast]
) -> dict[str, list[str]]:
    """The arms of the network's treatments that are in none of its contrasts, by the label of their trial."""
    used: dict[str, set[str]] = {}
    for contrast in contrasts:
        used.setdefault(contrast.study, set()).update(contrast.arms)
    left: dict[str, set[str]] = {}
    for study, _ in _entries(records, nodes):
        arms = _arms(study) - used.get(study.study_id, set())
        left.setdefault(study.label or study.study_id, set()).update(arms)
    return {label: sorted(arms) for label, arms in sorted(left.items()) if arms}


def _node(categories: Sequence[str], nodes: Mapping[str, str]) -> str | None:
    """The treatment of an arm, or of arms combined; None where they are of none or of several."""
    found = {nodes.get(category) for category in categories}
    return found.pop() if len(found) == 1 else None


def _of_trial(entries: Sequence[Entry]) -> list[Contrast]:
    first, pair = entries[0]
    alone = [_contrast(entries[:1], pair, first.effect, (first.variance,), 0)]
    arms: dict[str, tuple[float, ...] | None] = {}
    for study, pair in entries:
        for side, node in zip(SIDES, pair, strict=True):
            arms.setdefault(node, arm_numbers(first.measure, study, side))
    if len(entries) == 1 or None in arms.values():
        return alone
    common = max(sorted(arms), key=[node for _, pair in entries for node in pair].count)
    others = sorted(set(arms) - {common})
    try:
        found = shared_control(first.measure, [arms[node] for node in others], arms[common])
    except ValueError:  # no variance, or a measure of no such form
        return alone
    return [
        _contrast(entries, (node, common), float(found.effect[at]), found.covariance[at].tolist(), at)
        for at, node in enumerate(others)
    ]


def _contrast(
    entries: Sequence[Entry], pair: tuple[str, str], effect: float, covariances: Sequence[float], at: int
) -> Contrast:
    study, arms = entries[0][0], frozenset().union(*(_arms(study) for study, _ in entries))
    values = {"effect": effect, "variance": covariances[at], "covariances": tuple(covariances), "arms": arms}
    values |= {"study": study.study_id, "outcome": study.instrument, **dict(zip(SIDES, pair, strict=True))}
    return taken(Contrast, study, **values)


def components(contrasts: Sequence[NetworkContrast]) -> list[list[str]]:
    """The connected parts of a network, largest first, the treatments of each sorted.

    >>> from trialpool.records import sketch
    >>> pairs = (("a", "b"), ("c", "d"))
    >>> components([sketch(Contrast, experimental=one, control=other) for one, other in pairs])
    [['a', 'b'], ['c', 'd']]
    """
    parts: list[set[str]] = []
    for contrast in contrasts:
        pair = {contrast.experimental, contrast.control}
        touching = [part for part in parts if part & pair]
        parts = [part for part in parts if not part & pair] + [pair.union(*touching)]
    return sorted((sorted(part) for part in parts), key=lambda part: (-len(part), part))


def _edges(contrasts: Sequence[Contrast]) -> tuple[rec.Edge, ...]:
    """Directly compared pairs with their number of trials; a trial of three arms counts at all its pairs."""
    arms: dict[str, set[str]] = {}
    for contrast in contrasts:
        arms.setdefault(contrast.study, set()).update((contrast.experimental, contrast.control))
    pairs = [pair for treatments in arms.values() for pair in combinations(sorted(treatments), 2)]
    return tuple(rec.Edge(treatments=pair, trials=pairs.count(pair)) for pair in sorted(set(pairs)))


def _sentence(
    parts: Sequence[Sequence[str]], whole: Sequence[str], unused: Mapping[str, Sequence[str]]
) -> str:
    if not parts:
        return "No trial compares two of the treatments."
    if not whole:
        return "No three treatments are connected: nothing can be compared through another treatment."
    sentences = [f"{len(whole)} treatments are connected."]
    rest = [", ".join(part) for part in parts[1:]]
    if rest:
        sentences.append(f"Not connected to them, hence not compared: {'; '.join(rest)}.")
    left = "; ".join(f"{label}: {', '.join(arms)}" for label, arms in unused.items())
    if left:
        sentences.append(f"Arms left out, with another outcome or without numbers of their own: {left}.")
    return " ".join(sentences)


def _fitted(
    name: str, rules: Rules, first: Record, contrasts: Sequence[Contrast], whole: Sequence[str]
) -> Rules:
    """The parts of a network that a model gives, by their fields."""
    from trialpool.stats import network_inconsistency, network_meta_analysis, node_split, rank_treatments

    data: tuple[Any, ...] = (
        [contrast.effect for contrast in contrasts],
        covariance(contrasts),
        *([getattr(contrast, key) for contrast in contrasts] for key in ("experimental", "control", "study")),
    )
    reference = rules["reference"] if rules["reference"] in whole else min(whole)
    fit = network_meta_analysis(*data, reference=reference, level=first.methods.level)
    test, splits = network_inconsistency(*data), node_split(*data)
    model = taken(rec.NetworkFit, fit, reference=reference)
    if not model.q_df:  # nothing is left to differ
        model = replace(model, q=None, q_p_value=None, i2=None)
    return {
        "fit": model,
        "league": _league(name, first.measure, fit),
        "ranking": _ranking(name, first.measure, fit, rank_treatments(fit, better=first.better)),
        "inconsistency": taken(rec.Inconsistency, test),
        "splits": tuple(
            NodeSplit(**numbers_of(NodeSplit, first.measure, splits, at))
            for at in range(len(splits.experimental))
        ),
    }


def covariance(contrasts: Sequence[Contrast]) -> Floats:
    """Sampling covariances (n, n): contrasts of one trial, which stand together, share its common arm."""
    from scipy.linalg import block_diag

    trials = groupby(contrasts, key=lambda contrast: contrast.study)
    return np.asarray(block_diag(*(np.array([each.covariances for each in trial]) for _, trial in trials)))


def _league(name: str, measure: str, fit: Any) -> tuple[LeagueRow, ...]:
    natural = MEASURES[measure].natural
    return tuple(
        LeagueRow(
            network=name,
            experimental=fit.treatments[pair[0]],
            control=fit.treatments[pair[1]],
            trials=int(fit.directly[pair]),
            estimate=natural(float(fit.effects[pair])),
            **numbers_of(LeagueRow, measure, fit, pair),
        )
        for pair in permutations(range(len(fit.treatments)), 2)
    )


def _ranking(name: str, measure: str, fit: Any, ranking: Any) -> tuple[Rank, ...]:
    rows = (
        Rank(
            network=name,
            treatment=treatment,
            trials=int(fit.directly[at].sum()),
            p_score=float(ranking.p_scores[at]),
            **numbers_of(Rank, measure, ranking, at),
        )
        for at, treatment in enumerate(ranking.treatments)
    )
    return tuple(sorted(rows, key=lambda row: (row.mean_rank, row.treatment)))


def load_networks(path: str | Sequence[str] | None, specs: Mapping[str, Rules]) -> dict[str, Rules]:
    """The networks of config/networks.yaml by name, each with `nodes` (category to treatment).

    Without a file there are none. Raises InputError for a key missing or unknown, an analysis that the
    configuration does not have, analyses that differ in measure, scale or direction, and a category at two
    nodes. `specs` are the resolved analyses by slug.
    """
    if not path:
        return {}
    content = read_checked(str(path), "networks", lambda content: _network_slips(content, specs))
    nodes, networks = (content.get(key) or {} for key in ("nodes", "networks"))
    of = {category: node for node, categories in nodes.items() for category in categories}
    return {key: {**entry, "nodes": of} for key, entry in networks.items()}


def _network_slips(content: Rules, specs: Mapping[str, Rules]) -> Iterator[Slip]:
    """What the schema cannot say of nodes and networks."""
    nodes = content.get("nodes") or {}
    listed = Counter(category for categories in nodes.values() for category in categories)
    for category in (category for category, times in listed.items() if times > 1):
        yield Slip(("nodes",), category, "a category at two nodes", "leave it at one")
    for name, entry in (content.get("networks") or {}).items():
        path, slugs = ("networks", name), entry["analyses"]
        if entry["reference"] not in nodes:
            reference = entry["reference"]
            yield Slip((*path, "reference"), reference, "not a node", suggestion(reference, list(nodes)))
        for slug in slugs:
            if slug not in specs:
                problem = "not an analysis of the configuration"
                yield Slip((*path, "analyses"), slug, problem, suggestion(slug, list(specs)))
        for key in SAME:
            values = sorted({str(specs[slug][key]) for slug in slugs if slug in specs})
            if len(values) > 1:
                problem = f"not one {key}: the analyses differ in it"
                yield Slip((*path, "analyses"), ", ".join(values), problem, "list analyses of one kind")
