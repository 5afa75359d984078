"""Records of several analyses in, the network of their treatments out: direct and indirect comparisons.

Its interval is by the policy of `synthesis.pool`, residual degrees of freedom in place of trials less one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations, compress, groupby, permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from trialpool import records as rec
from trialpool.errors import Fault, InputError, nearest, suggestion
from trialpool.measures import MEASURES, SIDES
from trialpool.records import (
    LeagueRow,
    LeftOut,
    Network,
    NetworkContrast,
    NodeSplit,
    Rank,
    Record,
    Study,
    Sureness,
    taken,
)
from trialpool.synthesis.pool import (
    BAYES,
    FLOORED,
    Floats,
    arm_numbers,
    finite,
    numbers_of,
    policy,
    prior_scale,
    shared_control,
)
from trialpool.text import count, listing, significant
from trialpool.yaml_files import Slip, read_checked, shipped

if TYPE_CHECKING:
    from trialpool.stats import Contrasts

Rules = Mapping[str, Any]
SMALLEST = 3
OUTCOME = ("instrument", "item", "weeks")
EQUAL_ARMS = 0.5  # correlation of two contrasts with one arm, where all arms are equally large
WORDS = shipped("sentences")["networks"]
NOT_FITTED: Rules = {"fit": None, "league": (), "ranking": (), "inconsistency": None, "splits": ()}
WHOLE = "the hypergeometric likelihood has one answer for all trials together, which cannot be taken apart"
SAME = ("measure", "scale", "better")


Entry = tuple[Study, tuple[str, str]]  # an effect of a trial, and the two treatments of the network


class Contrast(NetworkContrast):
    """One comparison of a trial on the analysis scale, its covariance with each, the effects it rests on."""

    covariances: tuple[float, ...]
    entries: tuple[Entry, ...]


def build_network(
    name: str, rules: Rules, records: Sequence[Record], certainty: Mapping[str, Sureness] | None = None
) -> Network:
    """Everything known of one network: treatments, comparisons, fit, league, ranking, inconsistency.

    `records` are those of its analyses, in the order listed, `certainty` is theirs by slug. The largest
    connected part with at least three treatments is fitted (REML, common heterogeneity, multi-arm
    correlation); `sentence` says what is not, `left_out` names trials and arms that are in no contrast.
    Raises InputError where `leave_out` names a trial that none of the records knows.
    """
    first, known = records[0], contrasts_of(records, rules)
    counts = counts_of(known, rules["method"]) if rules.get("method") else None
    contrasts = within(known, counts) if counts else known
    left_out, used = _left_out(name, rules, records), {contrast.study for contrast in known}
    try:
        network = network_of(name, rules, first, contrasts, certainty, counts)
    except ValueError as problem:
        if not counts:
            raise
        where, why = f"networks.{name}.method", str(problem).removeprefix("events: ")
        other = "write nch, " if rules["method"] == "mh" else ""
        remedy = f"{other}take a treatment out, or leave the method out"
        fault = Fault("the networks file", None, where, rules["method"], f"without an answer: {why}", remedy)
        raise InputError([fault]) from None
    return replace(
        network,
        note=" ".join(filter(None, [method_note(rules, counts, known), rules["note"]])),
        analyses=tuple(record.analysis for record in records),
        left_out=(
            *left_out,
            *_unread(records, {*used, *rules["leave_out"]}),
            *_arms_left(records, rules, known),
        ),
    )


def network_of(
    name: str,
    rules: Rules,
    first: Record,
    contrasts: Sequence[Contrast],
    certainty: Mapping[str, Sureness] | None = None,
    counts: Counts | None = None,
) -> Network:
    """The network of some contrasts, those of a trial together; measure, scale and methods are `first`'s.

    `rules` has its `title` and `reference`, and may have `tau2_method` (REML) and `method`: mh or nch take
    the arms' `counts` in place of the contrasts' effects. `certainty` is that of direct comparisons, by
    analysis.
    """
    parts = components(contrasts)
    whole = parts[0] if parts and len(parts[0]) >= SMALLEST else []
    inside = [contrast for contrast in contrasts if contrast.experimental in whole]
    fitted = _fitted(name, rules, first, inside, certainty or {}, counts) if whole else NOT_FITTED
    return taken(
        Network,
        first,
        network=name,
        title=rules["title"],
        note="",
        analyses=(),
        trials=len({contrast.study for contrast in contrasts}),
        outcomes=tuple(sorted({contrast.outcome for contrast in contrasts})),
        parts=tuple(map(tuple, parts)),
        edges=_edges(contrasts),
        studies=tuple(taken(NetworkContrast, contrast) for contrast in contrasts),
        sentence=_sentence(parts, whole, fitted["fit"]),
        left_out=(),
        **fitted,
    )


def contrasts_of(records: Sequence[Record], rules: Rules) -> list[Contrast]:
    """The contrasts of all trials, each trial's arms - 1, sorted by trial.

    A trial that the analyses hold with one pair of treatments gives that effect as it stands. A trial with
    several pairs is taken apart into its arms and all are compared with the one in most pairs; where arms
    have no numbers of their own, the printed contrasts with that one are used, correlated as those of equally
    large arms. Only the outcome of the trial's first row counts.
    """
    by_study: dict[str, list[Entry]] = {}
    for study, pair in _entries(records, rules):
        known = by_study.setdefault(study.study_id, [(study, pair)])
        same = all(getattr(known[0][0], name) == getattr(study, name) for name in OUTCOME)
        if same and {*pair} not in [{*other} for _, other in known]:
            known.append((study, pair))
    return [contrast for study in sorted(by_study) for contrast in _of_trial(by_study[study])]


def _entries(records: Sequence[Record], rules: Rules) -> list[Entry]:
    found = []
    for record in records:
        for study in record.studies:
            one, other = (_node(study.categories(side), rules["nodes"]) for side in SIDES)
            if study.study_id in rules["leave_out"] or one is None or other is None or one == other:
                continue
            found.append((study, (one, other)))
    return found


def _arms(study: Study) -> set[str]:
    return {arm for side in SIDES for arm in (getattr(study, f"arm_{side}") or "").split("+") if arm}


def _left_out(name: str, rules: Rules, records: Sequence[Record]) -> list[LeftOut]:
    """The trials that the protocol leaves out of this network, with its reason."""
    labels = {row.study_id: row.label for record in records for row in record.known}
    labels |= {row.study_id: row.label for record in records for row in record.studies}
    if missing := rules["leave_out"].keys() - labels.keys():
        problem, remedy = "a trial that none of the network's analyses knows", "correct it, or take it out"
        where = f"networks.{name}.leave_out"
        raise InputError(
            [Fault("the networks file", None, where, each, problem, remedy) for each in sorted(missing)]
        )
    return [
        LeftOut(study_id=study, label=labels[study] or study, kind="protocol", reason=reason, arms=())
        for study, reason in rules["leave_out"].items()
    ]


def _unread(records: Sequence[Record], others: set[str]) -> list[LeftOut]:
    """The trials known to have compared these treatments of which no analysis could use a number."""
    others = others | {study.study_id for record in records for study in record.studies}
    known = {row.study_id: row.label or row.study_id for record in records for row in record.known}
    return [
        LeftOut(study_id=study, label=label, kind="no_number", reason="", arms=())
        for study, label in sorted(known.items(), key=lambda item: item[::-1])
        if study not in others
    ]


def _arms_left(records: Sequence[Record], rules: Rules, contrasts: Sequence[Contrast]) -> list[LeftOut]:
    """The arms of the network's treatments that are in none of its contrasts, though they have numbers."""
    used: dict[str, set[str]] = {}
    for contrast in contrasts:
        used.setdefault(contrast.study, set()).update(*(_arms(study) for study, _ in contrast.entries))
    left: dict[tuple[str, str], set[str]] = {}
    for study in (study for record in records for study in record.studies):
        theirs = all(rules["nodes"].keys() & study.categories(side) for side in SIDES)
        if theirs and study.study_id not in rules["leave_out"]:
            arms = left.setdefault((study.label or study.study_id, study.study_id), set())
            arms |= _arms(study) - used.get(study.study_id, set())
    return [
        LeftOut(study_id=study, label=label, kind="arms", reason="", arms=tuple(sorted(arms)))
        for (label, study), arms in sorted(left.items())
        if arms
    ]


def _node(categories: Sequence[str], nodes: Mapping[str, str]) -> str | None:
    """The treatment of an arm, or of arms combined; None where they are of none or of several."""
    found = {nodes.get(category) for category in categories}
    return found.pop() if len(found) == 1 else None


def _of_trial(entries: Sequence[Entry]) -> list[Contrast]:
    first, pair = entries[0]
    if len(entries) == 1:
        return [_contrast(entries, pair, first.effect, (first.variance,), 0)]
    arms: dict[str, tuple[float, ...] | None] = {}
    for study, pair in entries:
        for side, node in zip(SIDES, pair, strict=True):
            arms.setdefault(node, arm_numbers(first.measure, study, side))
    common = max(sorted(arms), key=[node for _, pair in entries for node in pair].count)
    others = sorted(set(arms) - {common})
    if None in arms.values():
        return _as_printed(entries, common)
    try:
        found = shared_control(first.measure, [arms[node] for node in others], arms[common])
    except ValueError:  # no variance, or a measure of no such form
        return _as_printed(entries, common)
    return [
        _contrast(entries, (node, common), float(found.effect[at]), found.covariance[at].tolist(), at)
        for at, node in enumerate(others)
    ]


def _as_printed(entries: Sequence[Entry], common: str) -> list[Contrast]:
    """The contrasts of a trial with one of its arms, as they stand.

    Where another one that it prints contradicts them by more than its standard error, only the first counts.
    """
    star = [entry for entry in entries if common in entry[1]]
    found = {
        pair[pair[0] == common]: (study.effect * (1 if pair[1] == common else -1), study.variance)
        for study, pair in star
    }
    for study, (one, other) in entries:
        differs = {one, other} <= found.keys() and abs(found[one][0] - found[other][0] - study.effect)
        if differs > study.variance**0.5:
            first, pair = entries[0]
            return [_contrast(entries[:1], pair, first.effect, (first.variance,), 0)]
    nodes = sorted(found)
    se = np.sqrt([found[node][1] for node in nodes])
    shared = np.outer(se, se) * (EQUAL_ARMS + (1 - EQUAL_ARMS) * np.eye(se.size))
    return [
        _contrast(star, (node, common), found[node][0], shared[at].tolist(), at)
        for at, node in enumerate(nodes)
    ]


def _contrast(
    entries: Sequence[Entry], pair: tuple[str, str], effect: float, covariances: Sequence[float], at: int
) -> Contrast:
    study = entries[0][0]
    values = {"effect": effect, "variance": covariances[at], "covariances": tuple(covariances)}
    values |= {"study": study.study_id, "outcome": study.instrument, "entries": tuple(entries)}
    return taken(Contrast, study, **values, **dict(zip(SIDES, pair, strict=True)))


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
    pairs = [
        pair
        for treatments in arms_of_trials(contrasts).values()
        for pair in combinations(sorted(treatments), 2)
    ]
    return tuple(rec.Edge(treatments=pair, trials=pairs.count(pair)) for pair in sorted(set(pairs)))


def _sentence(parts: Sequence[Sequence[str]], whole: Sequence[str], fit: rec.NetworkFit | None) -> str:
    if not parts:
        return "No trial compares two of the treatments."
    if not fit:
        return "No three treatments are connected: nothing can be compared through another treatment."
    sentences, rest = [f"{len(whole)} treatments are connected."], [", ".join(part) for part in parts[1:]]
    if rest:
        sentences.append(f"Not connected to them, hence not compared: {'; '.join(rest)}.")
    scale = significant(fit.prior_scale, 3) if fit.prior_scale else ""
    sentences.append(WORDS["intervals"][fit.interval].format(degrees=count(fit.q_df, "degree"), scale=scale))
    return " ".join(sentences)


def _fitted(
    name: str,
    rules: Rules,
    first: Record,
    contrasts: Sequence[Contrast],
    certainty: Mapping[str, Sureness],
    counts: Counts | None,
) -> Rules:
    """The parts of a network that a model gives, by their fields."""
    from trialpool.stats import network_inconsistency, network_meta_analysis, node_split, rank_treatments

    made = arguments_of(rules, contrasts, counts)
    data = made.arguments
    method: Any = {"tau2_method": made.tau2_method}
    entries = [
        entry for _, own in groupby(contrasts, key=lambda each: each.study) for entry in next(own).entries
    ]
    whole = {node for each in contrasts for node in (each.experimental, each.control)}
    reference = rules["reference"] if rules["reference"] in whole else min(whole)
    df = len(data[0]) - len(whole) + 1
    model, scale = _model(first, df, [] if counts else [study for study, _ in entries])
    given: Any = {**method, **model, "reference": reference, "level": first.methods.level}
    fit = network_meta_analysis(*data, **given)
    if counts:
        fit = replace(
            fit, directly=_directly(fit.treatments, contrasts), studies=len(arms_of_trials(contrasts))
        )
    test, splits = network_inconsistency(*data, **method), node_split(*data, **method)
    one = bool(counts) and rules["method"] == "nch"
    record = taken(rec.NetworkFit, fit, reference=reference, df=finite(fit.df), prior_scale=scale)
    if not record.q_df:  # nothing is left to differ, and there is no t
        interval = BAYES if record.interval == BAYES else "wald"
        record = replace(record, interval=interval, q=None, q_p_value=None, i2=None)
    ranks, levels = rank_treatments(fit, better=first.better), _levels(entries, reference, certainty)
    return {
        "fit": record,
        "league": _league(name, first, fit, new=not counts and df >= first.methods.prediction_from - 1),
        "ranking": _ranking(name, first.measure, fit, ranks, levels),
        "inconsistency": replace(taken(rec.Inconsistency, test), refused=WHOLE if one else test.refused),
        "splits": tuple(
            NodeSplit(**numbers_of(NodeSplit, first.measure, splits, at))
            for at in range(len(splits.experimental))
        ),
    }


@dataclass(frozen=True, slots=True)
class Counts:
    """The arms of trials: `events` of `n` of a `treatment`, each in its `study`; silent trials are not among
    them but named in `silent`, nor are the arms that `bare` names, and trials without such numbers."""

    events: tuple[float, ...]
    n: tuple[float, ...]
    treatment: tuple[str, ...]
    study: tuple[str, ...]
    silent: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()

    @property
    def studies(self) -> set[str]:
        """The trials that tell something of an odds ratio."""
        return set(self.study)

    @property
    def arms(self) -> dict[str, set[str]]:
        """The treatments of each trial."""
        found: dict[str, set[str]] = {}
        for study, treatment in zip(self.study, self.treatment, strict=True):
            found.setdefault(study, set()).add(treatment)
        return found

    def only(self, treatments: Collection[str]) -> Counts:
        """Those of some treatments."""
        return self.rows([name in treatments for name in self.treatment])

    def rows(self, kept: Sequence[bool]) -> Counts:
        """Some of them."""
        names = ("events", "n", "treatment", "study")
        return replace(self, **{name: tuple(compress(getattr(self, name), kept)) for name in names})


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a network is fitted to: contrasts of trials, of designs (mh) or of all trials at once (nch)."""

    contrasts: Contrasts
    tau2_method: str

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As the functions of `trialpool.stats` on networks take them."""
        return tuple(getattr(self.contrasts, each.name) for each in fields(self.contrasts))


def arguments_of(rules: Rules, contrasts: Sequence[Contrast], counts: Counts | None = None) -> Fitted:
    """What the model of the connected `contrasts` takes, by the network's `method` and `tau2_method`."""
    from trialpool.stats import Contrasts, hypergeometric_network, mantel_haenszel_network

    if not counts:
        names = ([getattr(each, key) for each in contrasts] for key in (*SIDES, "study"))
        effects = np.array([each.effect for each in contrasts])
        made = Contrasts(effects, covariance(contrasts), *map(tuple, names))
        return Fitted(made, rules.get("tau2_method", "REML"))
    own = counts.only({node for each in contrasts for node in (each.experimental, each.control)})
    arms = own.events, own.n, own.treatment, own.study
    if rules["method"] == "mh":
        return Fitted(mantel_haenszel_network(*arms).contrasts, "FE")
    return Fitted(hypergeometric_network(*arms).contrasts(), "FE")


def counts_of(contrasts: Sequence[Contrast], method: str) -> Counts:
    """The arms of the trials of some contrasts, as far as they tell `method` something."""
    arms: dict[str, dict[str, tuple[float, ...] | None]] = {}
    for contrast in contrasts:
        own = arms.setdefault(contrast.study, {})
        for study, pair in contrast.entries:
            for side, node in zip(SIDES, pair, strict=True):
                own.setdefault(node, arm_numbers(study.measure, study, side))
    uncounted = tuple(study for study, own in arms.items() if None in own.values())
    rows = [
        (*numbers, node, study)
        for study, own in arms.items()
        if study not in uncounted
        for node, numbers in own.items()
        if numbers
    ]
    counts = Counts(*map(tuple, zip(*rows, strict=True))) if rows else Counts((), (), (), ())
    return speaking(replace(counts, uncounted=uncounted), method)


def speaking(counts: Counts, method: str) -> Counts:
    """Without the trials in which nobody, or everybody, had the event; of mh also without the arms in whose
    design this is so of their treatment, and trials that this leaves with one arm."""
    silent = [
        name
        for name in dict.fromkeys(counts.study)
        if sum(x for x, study in zip(counts.events, counts.study, strict=True) if study == name)
        in (0, sum(n for n, study in zip(counts.n, counts.study, strict=True) if study == name))
    ]
    told = replace(counts.rows([study not in silent for study in counts.study]), silent=tuple(silent))
    return _without_bare(told) if method == "mh" else told


def _without_bare(counts: Counts) -> Counts:
    from trialpool.stats.network_counts import bare_arms

    bare, designs = bare_arms(counts.events, counts.n, counts.treatment, counts.study), counts.arms
    if not bare:
        return counts
    where = list(zip(counts.treatment, counts.study, strict=True))
    left = counts.rows([(arm, tuple(sorted(designs[study]))) not in bare for arm, study in where])
    rest = left.rows([len(left.arms[study]) > 1 for study in left.study])
    return replace(rest, bare=tuple(f"{arm} ({' v '.join(design)})" for arm, design in bare))


def within(contrasts: Sequence[Contrast], counts: Counts) -> list[Contrast]:
    """The contrasts of the arms that are counted; those with an arm that is not are made anew."""
    arms, found = counts.arms, []
    for study, trial in groupby(contrasts, key=lambda each: each.study):
        own, kept = list(trial), arms.get(study, set())
        if kept and not {name for each in own for name in (each.experimental, each.control)} <= kept:
            own = _anew(own, kept)
        found += own if kept else []
    return found


def _anew(trial: Sequence[Contrast], arms: Collection[str]) -> list[Contrast]:
    """The contrasts of a trial, which have a control in common, of some of its arms: with its control, or
    with the first arm where that is not among them."""
    inside = [each for each in trial if each.experimental in arms]
    rows = np.array([[float(each is other) for other in trial] for each in inside])
    control = trial[0].control
    if control not in arms:
        control, rows, inside = inside[0].experimental, rows[1:] - rows[0], inside[1:]
    effects = rows @ [each.effect for each in trial]
    spread = rows @ [each.covariances for each in trial] @ rows.T
    return [
        replace(
            each,
            control=control,
            effect=float(effects[at]),
            variance=float(spread[at, at]),
            covariances=tuple(spread[at].tolist()),
        )
        for at, each in enumerate(inside)
    ]


def left_notes(counts: Counts, labels: Mapping[str, str]) -> list[str]:
    """Which trials, by their `labels`, and arms tell a method of counts nothing."""
    trials = {"silent": counts.silent, "uncounted": counts.uncounted}
    found = [(kind, listing([labels.get(name) or name for name in names])) for kind, names in trials.items()]
    return [WORDS[kind].format(left=left) for kind, left in [*found, ("bare", listing(counts.bare))] if left]


def method_note(rules: Rules, counts: Counts | None, contrasts: Sequence[Contrast]) -> str:
    """What a method of counts is, and what of these contrasts tells it nothing."""
    labels = {each.study: each.label for each in contrasts}
    return " ".join([WORDS["methods"][rules["method"]], *left_notes(counts, labels)]) if counts else ""


def arms_of_trials(contrasts: Sequence[Contrast]) -> dict[str, set[str]]:
    """The treatments that each trial compares."""
    arms: dict[str, set[str]] = {}
    for contrast in contrasts:
        arms.setdefault(contrast.study, set()).update((contrast.experimental, contrast.control))
    return arms


def _directly(treatments: Sequence[str], contrasts: Sequence[Contrast]) -> Floats:
    """How many trials compare each two treatments (t, t)."""
    arms = arms_of_trials(contrasts).values()
    return np.array(
        [[float(i != j and sum({i, j} <= own for own in arms)) for j in treatments] for i in treatments]
    )


def _model(first: Record, df: int, effects: Sequence[Study]) -> tuple[Rules, float | None]:
    """How the network is fitted, on so many residual df, and the scale of its prior of τ where it has one.

    Of `auto` as of one comparison, whose residual df are its trials less one: Hartung-Knapp with the floor
    from `MANY` - 1 on, below a Bayesian interval, if a prior of τ can be given. Without `effects` the model
    is of counts, and has no τ: normal intervals, unless others are asked for by name.
    """
    methods = first.methods
    if not effects:
        return {"interval": "wald" if methods.interval in ("auto", BAYES) else methods.interval}, None
    scale = prior_scale(rec.to_json(methods), effects)
    interval = policy(methods.interval, max(2, df + 1))
    if interval != BAYES:
        return {"interval": interval}, None
    return (
        {"interval": BAYES, "tau_prior": ("half_normal", scale)} if scale else {"interval": FLOORED}
    ), scale


def _levels(
    entries: Sequence[Entry], reference: str, certainty: Mapping[str, Sureness]
) -> dict[str, Sureness]:
    """The certainty of each direct comparison with the reference: the lowest of the analyses that make it."""
    found: dict[str, list[Sureness]] = {}
    for study, pair in entries:
        if reference in pair and study.analysis in certainty:
            found.setdefault(pair[pair[0] == reference], []).append(certainty[study.analysis])
    return {node: min(levels, key=list(Sureness).index) for node, levels in found.items()}


def covariance(contrasts: Sequence[Contrast]) -> Floats:
    """Sampling covariances (n, n): contrasts of one trial, which stand together, share its common arm."""
    from scipy.linalg import block_diag

    trials = groupby(contrasts, key=lambda contrast: contrast.study)
    return np.asarray(block_diag(*(np.array([each.covariances for each in trial]) for _, trial in trials)))


def _league(name: str, first: Record, fit: Any, new: bool) -> tuple[LeagueRow, ...]:
    """Each treatment against each; with the interval of a new trial where there is enough to say (`new`)."""
    natural = MEASURES[first.measure].natural
    rows = (
        LeagueRow(
            network=name,
            experimental=fit.treatments[pair[0]],
            control=fit.treatments[pair[1]],
            trials=int(fit.directly[pair]),
            estimate=natural(float(fit.effects[pair])),
            **numbers_of(LeagueRow, first.measure, fit, pair),
        )
        for pair in permutations(range(len(fit.treatments)), 2)
    )
    return tuple(row if new else replace(row, pi_low=None, pi_high=None) for row in rows)


def _ranking(
    name: str, measure: str, fit: Any, ranking: Any, levels: Mapping[str, Sureness]
) -> tuple[Rank, ...]:
    """Treatments from the best on, each with the certainty of its direct comparison with the reference."""

    def certainty(at: int) -> str:
        unknown = "reference" if not at else "no_analysis" if fit.directly[at, 0] else "not_assessed"
        return levels.get(fit.treatments[at]) or WORDS[unknown]

    rows = (
        Rank(
            network=name,
            treatment=treatment,
            trials=int(fit.directly[at].sum()),
            p_score=float(ranking.p_scores[at]),
            certainty=certainty(at),
            **numbers_of(Rank, measure, ranking, at),
        )
        for at, treatment in enumerate(ranking.treatments)
    )
    return tuple(sorted(rows, key=lambda row: (row.mean_rank, row.treatment)))


def load_networks(
    path: str | Sequence[str] | None,
    specs: Mapping[str, Rules],
    categories: Collection[str] = (),
    trials: Collection[str] = (),
) -> dict[str, Rules]:
    """The networks of config/networks.yaml by name, each with `nodes` (category to treatment) and all keys.

    Without a file there are none. Raises InputError for a key missing or unknown, an analysis that the
    configuration does not have, analyses that differ in measure, scale or direction, a category at two
    nodes, and where `categories` (of arms) or `trials` (study ids) are known, for any other. `specs` are the
    resolved analyses by slug.
    """
    if not path:
        return {}

    def slips(content: Rules) -> Iterator[Slip]:
        yield from _network_slips(content, specs)
        yield from _name_slips(content, categories, trials)

    content = read_checked(str(path), "networks", slips)
    nodes, networks = (content.get(key) or {} for key in ("nodes", "networks"))
    of = {category: node for node, categories in nodes.items() for category in categories}
    more = {"nodes": of, "note": "", "leave_out": {}}
    return {key: {**more, **entry} for key, entry in networks.items()}


def evidence_files(rules: Rules, formats: Sequence[str]) -> list[str]:
    """The tables and figures that a network has besides where its entry says `evidence: true`.

    The hypergeometric likelihood is of all trials at once, and has ranks only; Mantel and Haenszel's odds
    ratios are of several trials each, which keeps their risks of bias together.

    >>> evidence_files({"evidence": True, "method": "nch"}, [".svg"])
    ['rank_probabilities.csv', 'rankogram.svg']
    """
    if not rules.get("evidence"):
        return []
    tables, figures = ["rank_probabilities"], ["rankogram"]
    if rules.get("method") != "nch":
        tables, figures = ["split", "contributions", *tables], ["split", *figures]
    if not rules.get("method"):
        figures.append("contributions")
    return [*(f"{name}.csv" for name in tables), *(f"{name}{each}" for name in figures for each in formats)]


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
            elif specs[slug].get("control") == []:
                problem, remedy = "of one group, and a network is of comparisons", "remove it"
                yield Slip((*path, "analyses"), slug, problem, remedy)
        if entry.get("method") and {str(specs[slug]["measure"]) for slug in slugs if slug in specs} - {"OR"}:
            problem = "a method of odds ratios, and an analysis has another measure"
            yield Slip((*path, "method"), entry["method"], problem, "list analyses of OR, or leave it out")
        for key in SAME:
            values = sorted({str(specs[slug][key]) for slug in slugs if slug in specs})
            if len(values) > 1:
                problem = f"not one {key}: the analyses differ in it"
                yield Slip((*path, "analyses"), ", ".join(values), problem, "list analyses of one kind")


def _name_slips(content: Rules, categories: Collection[str], trials: Collection[str]) -> Iterator[Slip]:
    """Arm categories and trials that are not among the known ones, where any are known."""
    for node, named in (content.get("nodes") or {}).items():
        for at, category in enumerate(named):
            if categories and category not in categories:
                yield Slip(
                    ("nodes", node, str(at)),
                    category,
                    "not an arm category",
                    suggestion(category, categories),
                )
    for name, entry in (content.get("networks") or {}).items():
        for trial in entry.get("leave_out", ()):
            if trials and trial not in trials:
                near, path = nearest(trial, trials), ("networks", name, "leave_out", trial)
                remedy = f"did you mean '{near}'" if near else "write a study_id of studies.csv, or remove it"
                yield Slip(path, trial, "not the study_id of any trial", remedy)
