"""What travels from the synthesis of one analysis to its figures, tables and page, as frozen dataclasses.

`result.json` is a `Record` written by `to_json`; `from_json` reads it back and refuses what does not fit.
Numbers are on the natural scale (risk ratio, not its logarithm) unless a field says otherwise; None stands
for what could not be worked out. Fields marked `omitted` are left out of the JSON where they are None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeVar, cast, dataclass_transform, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")
RESULT_VERSION = 1  # of schemas/result.schema.json: another one where a reader of result.json must change
JOINT = "+"  # between the categories of arms that were combined; no code contains it
PLAIN = frozenset({str, int, float, bool, NoneType})  # types that JSON has itself
SEPARATOR = "; "  # between steps, cautions and choices where they are written as one text; none contains it


class Status(StrEnum):
    """What became of an analysis."""

    POOLED = "pooled"
    SINGLE_STUDY = "single_study"
    NO_DATA = "no_data"
    NOT_POOLED = "not_pooled"


class Conclusion(StrEnum):
    """What an interval says of the experimental treatment."""

    BENEFIT = "benefit"
    HARM = "harm"
    UNCLEAR = "unclear"


def conclusion(low: float | None, high: float | None, null: float, better: str) -> Conclusion:
    """What an interval says: benefit, harm, or unclear when it includes no effect (or is missing).

    >>> str(conclusion(-2.0, -0.5, 0.0, "lower")), str(conclusion(0.8, 1.2, 1.0, "higher"))
    ('benefit', 'unclear')
    """
    if low is None or high is None or low <= null <= high:
        return Conclusion.UNCLEAR
    return Conclusion.BENEFIT if (high < null) == (better == "lower") else Conclusion.HARM


class Grade(StrEnum):
    """How far a conclusion depends on the choices made."""

    ROBUST = "robust"
    SENSITIVE = "sensitive"
    FRAGILE = "fragile"
    NOT_ASSESSABLE = "not assessable"


class Sureness(StrEnum):
    """GRADE's four levels of certainty, the lowest first."""

    VERY_LOW = "very low"
    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class Verdict(StrEnum):
    """What the evidence says about a claim; of several results the later of the first five decides.

    The last three are no answers: trials are known, but of some no number could be read; all of them have
    numbers, of which none can be used; no trial of the comparison is known.
    """

    SUPPORTED = "supported"
    SUGGESTED = "suggested"
    UNCLEAR = "unclear"
    NOT_SUPPORTED = "not supported"
    CONTRADICTED = "contradicted"
    NOT_READ = "not read"
    NOT_USABLE = "not usable"
    NO_TRIAL = "no trial"

    @property
    def answered(self) -> bool:
        """Whether any trial has a number that bears on the claim."""
        return self not in (Verdict.NOT_READ, Verdict.NOT_USABLE, Verdict.NO_TRIAL)


class ClaimKind(StrEnum):
    """What a claim says: any benefit, one that matters, a harm, or no more harm than a margin."""

    BENEFIT = "benefit"
    IMPORTANT_BENEFIT = "important_benefit"
    HARM = "harm"
    NO_MORE_HARM = "no_more_harm"


def omitted() -> Any:
    """A field whose default is None, and which is not written where it is None."""
    return field(default=None, metadata={"omitted": True})


class Choice(NamedTuple):
    """One departure from how an analysis chooses its data: a dimension of choice and the level taken."""

    dimension: str
    level: str

    def __str__(self) -> str:
        return f"{self.dimension}={self.level}"


class Choices(tuple[Choice, ...]):
    """Choices of data that differ from those of the main result, none in it; one text in JSON.

    >>> str(Choices.parse("r=0.3; timepoint=follow_up")), len(Choices())
    ('r=0.3; timepoint=follow_up', 0)
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Choices:
        """The other way round."""
        return cls(Choice(*part.split("=", 1)) for part in text.split(SEPARATOR) if part)

    def __str__(self) -> str:
        return SEPARATOR.join(map(str, self))


class Steps(tuple[str, ...]):
    """Steps of a derivation, or cautions; one text in CSV and JSON.

    >>> str(Steps(["SD from SE, n = 16", "sign kept"]))
    'SD from SE, n = 16; sign kept'
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Steps:
        """The other way round; also the clauses of a note."""
        return cls(part for part in text.split(SEPARATOR) if part)

    def __str__(self) -> str:
        return SEPARATOR.join(self)


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Part:
    """A record or a part of one: whatever inherits from this is a frozen dataclass with named fields only."""

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)


class Difference(Part):
    """The smallest difference that matters, in the unit of the analysis, and the range that is defensible."""

    value: int | float
    low: int | float | None = omitted()
    high: int | float | None = omitted()
    unit: str = ""
    kind: str = ""
    source: str
    instrument: str | None = omitted()


class Methods(Part):
    """How an analysis was pooled, as settings and in sentences."""

    tau2_method: str
    interval: str
    level: float
    several_effects: str
    multi_arm: str
    prediction_from: int
    prediction_df: str
    prior: Mapping[str, Any] | None
    text: tuple[str, ...]
    method: str | None = omitted()
    glmm_model: str | None = omitted()
    zero_cells: float | str | None = omitted()


class Pooled(Part):
    """The headline (`interval` says by which method) and heterogeneity; `se`, `tau2` … on the analysis scale.

    Beside it stand, of two independent trials or more, the random-effects estimate with the
    Hartung-Knapp-Sidik-Jonkman interval and floor, the common effect, and the posterior median with its
    credible interval under a half-normal prior of τ of the scale `prior_scale` (analysis scale).
    """

    interval: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    se: float | None
    statistic: float | None
    df: float | None
    p_value: float | None
    pi_low: float | None
    pi_high: float | None
    tau2: float | None
    tau2_low: float | None
    tau2_high: float | None
    i2: float | None
    h2: float | None
    q: float | None
    q_df: float | None
    q_p_value: float | None
    random_estimate: float | None
    hksj_low: float | None
    hksj_high: float | None
    common_estimate: float | None
    common_low: float | None
    common_high: float | None
    bayes_estimate: float | None
    bayes_low: float | None
    bayes_high: float | None
    prior_scale: float | None
    tau2_empty: bool | None = omitted()


class Shape(Part):
    """How a person wants the forest plot of an analysis; what is None stays as its style has it.

    `columns` are blocks from left to right (see schemas/forest.yaml), `headings` and `labels` other words
    over columns and of trials, `show` the parts drawn; `limits` and `ticks` are on the natural scale.
    """

    columns: tuple[str, ...] | None = omitted()
    headings: Mapping[str, str] | None = omitted()
    sort: str | None = omitted()
    labels: Mapping[str, str] | None = omitted()
    limits: tuple[float, float] | None = omitted()
    ticks: tuple[float, ...] | None = omitted()
    digits: int | None = omitted()
    show: tuple[str, ...] | None = omitted()
    prediction: str | None = omitted()
    group_headers: bool | Mapping[str, str] | None = omitted()


class Direction(Part):
    """What lies on either side of no effect."""

    left: str
    right: str


class Effect(Part):
    """A row of the effects table: one effect of a trial on the analysis scale (ratios as logarithms).

    `variant` are the choices of data that give it, none in the main result; `printed_low` and `printed_high`
    the published 95% interval, turned and rescaled as the effect is, on the natural scale. Arms that were
    combined may be of several categories: a category field then holds them joined by "+" (see `categories`);
    `mean_dose` says that their doses differed, and that those given are means; `columns` are texts of the
    trial that the forest plot shows besides. `covariates` are what the review says of the trial, each a name
    and what it is.
    """

    analysis: str
    study_id: str
    label: str
    year: int | None
    condition: str
    purpose: str
    design: str
    arm_experimental: str
    arm_control: str
    label_experimental: str
    label_control: str
    category_experimental: str
    category_control: str
    cointervention: str
    domain: str
    instrument: str
    item: str
    unit: str
    weeks: float | None
    timepoint: str
    kind: str
    n_experimental: int | float | None
    n_control: int | float | None
    mean_experimental: float | None
    sd_experimental: float | None
    mean_control: float | None
    sd_control: float | None
    events_experimental: int | float | None
    events_control: int | float | None
    measure: str
    effect: float
    variance: float
    imputed: bool
    derivation: Steps
    cautions: Steps
    reading: str
    source_url: str
    locator: str
    row_ids: str
    selected: bool
    reason: str
    variant: Choices
    sessions: float | None
    programme_weeks: float | None
    sessions_per_week: float | None
    n_randomised: int | float | None
    cluster: str
    printed_low: float | None = None
    printed_high: float | None = None
    worked_out: bool | None = None
    mean_dose: bool | None = omitted()
    covariates: Choices | None = omitted()
    randomised_experimental: float | None = omitted()
    randomised_control: float | None = omitted()
    person_years_experimental: float | None = omitted()
    person_years_control: float | None = omitted()
    columns: Mapping[str, str] | None = omitted()
    risk_of_bias: str = ""
    judgements: str = ""
    audit: str = ""

    def categories(self, side: str) -> list[str]:
        """The categories of the arms of one side, "experimental" or "control".

        >>> sketch(Effect, category_control="sham+usual_care").categories("control")
        ['sham', 'usual_care']
        """
        word: str = getattr(self, f"category_{side}")
        return word.split(JOINT)


class Study(Effect):
    """A pooled effect with its own interval (`ci_low`, `ci_high` on the analysis scale) and weight in %."""

    ci_low: float
    ci_high: float
    weight: float | None
    estimate: float
    estimate_low: float
    estimate_high: float


def group_of(row: Any, column: str) -> str:
    """The subgroup of a trial by a column of its own; "" where that is unknown."""
    value = getattr(row, column)
    return "" if value is None else str(value)


class Subgroup(Part):
    """The trials of one subgroup, pooled with their own τ²; `name` is "" of those whose group is unknown."""

    name: str
    k: int
    pooled: Pooled


class SubgroupTest(Part):
    """The test between subgroups; `df2` is None where it is a chi-squared test."""

    statistic: float
    df: float
    df2: float | None
    p_value: float


class Unused(Part):
    """A result that met the condition and domain of an analysis and was not used, with the reason."""

    study_id: str
    label: str
    arm_experimental: str | None = omitted()
    arm_control: str | None = omitted()
    instrument: str | None = omitted()
    item: str | None = omitted()
    timepoint: str | None = omitted()
    weeks: float | None = omitted()
    reason_code: str
    reason: str
    source_url: str
    row_ids: str | None = omitted()
    events_experimental: int | float | None = omitted()
    n_experimental: int | float | None = omitted()
    events_control: int | float | None = omitted()
    n_control: int | float | None = omitted()

    @property
    def inestimable(self) -> bool:
        """Whether it is drawn as a trial without an effect: its counts, known then alone, tell none."""
        return self.events_experimental is not None


class Known(Part):
    """A trial that is known to have asked the question, whether or not its numbers could be read."""

    study_id: str
    label: str
    year: int | None
    n_randomised: int | float | None
    category_experimental: str
    category_control: str
    has_numbers: bool
    source_url: str


class Break(Part):
    """A choice under which the conclusion becomes another one."""

    kind: str
    choice: str
    to: Conclusion


class Robustness(Part):
    """Whether the conclusion depends on the choices made; `agreement` is a share of specifications."""

    grade: Grade
    sentence: str
    agreement: float | None
    breaks: tuple[Break, ...]


class Sensitivity(Part):
    """The result under one other choice, or why there is none (`reason`)."""

    kind: str
    choice: str
    study_id: str | None = omitted()
    k: int | None = omitted()
    n: int | None = omitted()
    estimate: float | None = omitted()
    ci_low: float | None = omitted()
    ci_high: float | None = omitted()
    p_value: float | None = omitted()
    pi_low: float | None = omitted()
    pi_high: float | None = omitted()
    tau2: float | None = omitted()
    i2: float | None = omitted()
    conclusion: Conclusion | None = omitted()
    changes_conclusion: bool = False
    reason: str | None = omitted()


class Level(Part):
    """All specifications that share one level of one dimension of the multiverse; shares of them."""

    dimension: str
    level: str
    specifications: int
    median: float
    benefit: float
    clear_benefit: float
    clear_harm: float


class Multiverse(Part):
    """Every defensible specification together; `variance_share` is of the estimates, by dimension."""

    specifications: int
    data_sets: int
    models: int
    estimate_low: float
    estimate_median: float
    estimate_high: float
    benefit: float
    clear_benefit: float
    clear_harm: float
    beyond_mcid: float | None
    variance_share: Mapping[str, float]
    levels: tuple[Level, ...]


class Influence(Part):
    """Deletion diagnostics of one trial (metafor's names)."""

    study_id: str
    label: str
    rstudent: float | None
    dffits: float | None
    cook: float | None
    cov_ratio: float | None
    tau2_deleted: float | None
    q_deleted: float | None
    hat: float | None
    weight: float | None
    baujat_x: float | None
    baujat_y: float | None
    influential: bool


class Cumulative(Part):
    """The pooled estimate when this trial was added."""

    study_id: str
    label: str
    year: int | None
    estimate: float | None
    ci_low: float | None
    ci_high: float | None


class SmallStudyMethod(Part):
    """One method for small-study effects, or why it was refused."""

    statistic: float | None = omitted()
    p_value: float | None
    tau: float | None = omitted()
    missing: float | None = omitted()
    side: str | None = omitted()
    chosen: str | None = omitted()
    delta: float | None = omitted()
    lrt_p_value: float | None = omitted()
    caution: str | None
    refused: str | None
    estimate: float | None = omitted()
    ci_low: float | None = omitted()
    ci_high: float | None = omitted()


class SmallStudy(Part):
    """What the methods for small-study effects say together, and each of them by name."""

    sentence: str
    methods: Mapping[str, SmallStudyMethod]


class ModeratorGroup(Part):
    """The trials with one answer to a moderator."""

    level: str
    k: int
    estimate: float | None
    ci_low: float | None
    ci_high: float | None


class ModeratorTerm(Part):
    """A coefficient of several moderators together, on the analysis scale; `vif` is that of its term."""

    term: str
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    statistic: float | None
    p_value: float | None
    p_robust: float | None
    vif: float | None


def is_formula(moderator: str) -> bool:
    """Whether a moderator is several by a formula, such as "~ dose + year"."""
    return moderator.strip().startswith("~")


class Moderator(Part):
    """One moderator, or several by a formula: its test, or the reason why there is none (`caution`)."""

    analysis: str
    moderator: str
    kind: str | None
    k: int
    levels: int | None
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    statistic: float | None
    df: int | float | None
    df2: float | None
    p_value: float | None
    p_permutation: float | None
    permutations: str | None
    p_adjusted: float | None
    tau2_residual: float | None
    r2: float | None
    tau2_method: str | None
    interval: str | None
    caution: str | None
    groups: tuple[ModeratorGroup, ...]
    terms: tuple[ModeratorTerm, ...] | None = omitted()
    p_likelihood_ratio: float | None = omitted()
    p_robust: float | None = omitted()


class Multilevel(Part):
    """The three-level model of all effects, with its model-based and its robust (CR2) interval."""

    effects: int
    trials: int
    rho: float
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    robust_ci_low: float | None
    robust_ci_high: float | None
    sigma2_between: float | None
    sigma2_within: float | None
    robust_df: float | None
    robust_p_value: float | None
    caution: str


class Shrunk(Part):
    """A trial's own effect as the Bayesian model sees it."""

    study_id: str
    label: str
    estimate: float
    ci_low: float
    ci_high: float


class Posterior(Part):
    """The Bayesian result under one prior of τ (`scale` on the analysis scale)."""

    prior: str
    scale: float
    unit: float
    estimate: float
    ci_low: float
    ci_high: float
    predictive_median: float
    pi_low: float
    pi_high: float
    tau_median: float
    tau_low: float
    tau_high: float
    p_benefit: float
    p_benefit_new: float
    p_beyond_mcid: float | None
    p_beyond_mcid_new: float | None
    shrunk: tuple[Shrunk, ...]


class DosePoint(Part):
    """The expected effect of one dose against none."""

    dose: float
    estimate: float
    ci_low: float
    ci_high: float


class DoseCurve(Part):
    """A line or a spline over doses, its coefficients and τ² on the analysis scale per unit of dose.

    `knots` and `p_linearity` (of the departure from a line) are a spline's. `slope` … are of a line, and
    `interval` says by which method; of a Bayesian one `prior_scale` is that of τ.
    """

    interval: str
    coefficients: tuple[float, ...]
    slope: float | None
    slope_low: float | None
    slope_high: float | None
    p_value: float | None
    tau2: float
    prior_scale: float | None
    q: float
    q_df: int
    q_p_value: float
    knots: tuple[float, ...]
    p_linearity: float | None
    points: tuple[DosePoint, ...]


class DoseResponse(Part):
    """The effect over the numeric column `dose`, or why there is no curve (`refused`).

    `k` trials with `effects` comparisons have a dose, from `low` to `high`; `unknown` are the study ids of
    those without one, `averaged` of those whose arms of different doses were taken together. `typical` is the
    effect of the median dose on the line; `no_spline` says why there is none, `cautions` what a line is not.
    """

    dose: str
    k: int
    effects: int
    unknown: tuple[str, ...]
    averaged: tuple[str, ...]
    low: float | None
    high: float | None
    typical: DosePoint | None
    line: DoseCurve | None
    spline: DoseCurve | None
    refused: str
    no_spline: str
    cautions: tuple[str, ...]


class Record(Part):
    """One analysis: its question, its result, and whether that holds."""

    analysis: str
    was: str | None = omitted()
    title: str
    note: str
    illustrative: bool = False
    condition: tuple[str, ...]
    purpose: str | None
    domain: str
    comparison: str
    experimental_name: str
    control_name: str
    measure: str
    scale: str | None
    unit: str
    better: str
    timepoint: str | tuple[str, ...] | dict[str, tuple[int | float, int | float]]
    forest: str
    shape: Shape | None = omitted()
    mcid: Difference | None
    status: Status
    k: int
    effects: int
    n_experimental: int | None
    n_control: int | None
    n_imputed: int
    methods: Methods
    pooled: Pooled | None
    direction: Direction
    studies: tuple[Study, ...]
    subgroups: tuple[Subgroup, ...]
    subgroup_column: str | None
    subgroup_test: SubgroupTest | None
    not_used: tuple[Unused, ...]
    elsewhere: int
    known: tuple[Known, ...]
    robustness: Robustness
    sensitivity: tuple[Sensitivity, ...]
    multiverse: Multiverse | None
    influence: tuple[Influence, ...]
    cumulative: tuple[Cumulative, ...]
    small_study: SmallStudy
    moderators: tuple[Moderator, ...]
    dose_response: DoseResponse | None = omitted()
    multilevel: Multilevel | None
    bayes: tuple[Posterior, ...]


# What is told of an analysis beside others rests on none of these, which take more room than all else.
ITS_OWN = {"sensitivity": (), "multiverse": None, "influence": (), "cumulative": (), "bayes": ()}


class DomainRating(Part):
    """One of GRADE's five domains: levels down and why; what an override replaced, where there is one."""

    domain: str
    levels_down: int
    reason: str
    overridden: bool | None = omitted()
    suggested_levels_down: int | None = omitted()
    suggested_reason: str | None = omitted()


class Certainty(Part):
    """How sure one may be of a result; `suggested` is the level before overrides.

    `unread` says how many known trials have no number that could be used here ("" for none), `unread_share`
    how many of the people randomised those are, in per cent: a limit of the reading, not of the trials.
    `size` is "trivial" where the whole interval is smaller than any important effect, else that of the
    estimate: "small", "important", "large"; "" where no important effect is known. `target` is what
    certainty is of by Core GRADE, when all that it calls little or none is "trivial"; None by other rules.
    """

    level: Sureness
    suggested: Sureness
    domains: tuple[DomainRating, ...]
    unread: str = ""
    unread_share: float = 0.0
    size: str = ""
    target: str | None = omitted()


class AbsoluteEffect(Part):
    """Risks and their difference in people per 1,000, from the median risk of the control arms."""

    assumed_risk: float
    risk: float
    risk_low: float
    risk_high: float
    difference: float
    difference_low: float
    difference_high: float


class Baseline(AbsoluteEffect):
    """What a result means for people of one risk without the experimental treatment, per 1,000 of them.

    `name` says which risk that is ("low", "median", "high", or as the protocol calls it), `source` where it
    comes from. The numbers needed belong to the three differences; None where one is 0.
    """

    name: str
    source: str
    nnt: float | None
    nnt_low: float | None
    nnt_high: float | None


class ControlMean(Part):
    """The control arms that print a mean of one `kind` ("change" or "final"): their median, lowest, highest
    mean and median SD, in units of the analysis (of a standardised one, of the instrument)."""

    kind: str
    trials: int
    mean: float
    low: float
    high: float
    sd: float | None


class InUnits(Part):
    """A standardised difference in points of one instrument: times `sd`, which is that of `source`.

    `scored` is the direction in which the instrument itself counts as better, where the analysis turns it.
    """

    instrument: str
    sd: float
    source: str
    difference: float
    difference_low: float
    difference_high: float
    scored: str | None = omitted()


class Presentation(Part):
    """What a summary of findings shows of a result besides its effect.

    Of events `risks` are their risks; of means the people who are better by at least `threshold`, and
    `control` what the control arms had.
    """

    risks: tuple[Baseline, ...] = ()
    threshold: Difference | None = omitted()
    control: ControlMean | None = omitted()
    units: InUnits | None = omitted()


class ResultAppraisal(Part):
    """What one result amounts to."""

    certainty: Certainty | None
    absolute: AbsoluteEffect | None
    shown: Presentation | None = omitted()


class Condition(Part):
    """A condition of a verdict, whether it is met, and what it would need."""

    name: str
    met: bool
    text: str
    need: str


class Restricted(Part):
    """The numbers of a result restricted to some trials, which stand in no other file."""

    certainty: Certainty | None
    status: Status
    k: int
    n_experimental: int | None
    n_control: int | None
    pooled: Pooled | None
    trials: tuple[str, ...]


class Finding(Part):
    """One result's verdict on a claim; `reason` says why it is no answer."""

    analysis: str
    verdict: Verdict
    reason: str | None = omitted()
    conditions: tuple[Condition, ...]
    restricted: Restricted | None = omitted()


class ClaimPart(Part):
    """A part of a claim: the results that answer it (`where`: bounds on their dose) and the verdict."""

    statement: str
    kind: ClaimKind
    where: Mapping[str, tuple[int | float, int | float]]
    verdict: Verdict
    reason: str
    findings: tuple[Finding, ...]
    change: tuple[str, ...]


class Claim(Part):
    """A claim with its verdict, what would change it (`change`) and which results say more (`also`)."""

    claim: str
    name: str
    statement: str
    verdict: Verdict
    reason: str
    parts: tuple[ClaimPart, ...]
    change: tuple[str, ...]
    also: tuple[str, ...]


class Reports(Part):
    """What became of the records of a search, as the PRISMA 2020 flow counts them.

    `found` counts them by the kind of their source, `sources` by its name; `removed` for another reason than
    `duplicates` and `automation`. A record that is sought is a report; `reasons` why some were excluded.
    """

    found: Mapping[str, int]
    sources: Mapping[str, int]
    duplicates: int
    automation: int
    removed: int
    screened: int
    excluded: int
    sought: int
    not_retrieved: int
    assessed: int
    reasons: Mapping[str, int]
    included: int


class Screening(Part):
    """The PRISMA 2020 flow: records of databases and registers (`searched`) and of `other` ways.

    `new_reports` are those included now, of `new_studies` and of known ones; an update adds them to what an
    earlier version of the review included (`previous_studies`, `previous_reports`).
    """

    searched: Reports
    other: Reports
    previous_studies: int
    previous_reports: int
    new_studies: int
    new_reports: int

    @property
    def studies(self) -> int:
        """All studies that the review includes."""
        return self.previous_studies + self.new_studies

    @property
    def reports(self) -> int:
        """All reports of them."""
        return self.previous_reports + self.new_reports


class Ask(Part):
    """A question that the page answers first, in few words, from some analyses."""

    question: str
    analyses: tuple[str, ...]


class Appraisal(Part):
    """appraisal.json: every analysis by its slug, the claims in order, and what the page answers first."""

    analyses: Mapping[str, ResultAppraisal]
    claims: tuple[Claim, ...]
    summary: tuple[Ask, ...] = ()


class Edge(Part):
    """Two treatments that trials compare directly; a trial of three arms counts at all its pairs."""

    treatments: tuple[str, str]
    trials: int


class NetworkContrast(Part):
    """One comparison of a trial in a network, on the analysis scale."""

    study: str
    label: str
    experimental: str
    control: str
    outcome: str
    effect: float
    variance: float
    analysis: str


class NetworkFit(Part):
    """The model of the connected part of a network; q, q_p_value, i2 are None where nothing can differ.

    `interval` says how all its intervals were made: t on `df` degrees of freedom, None for normal quantiles,
    or the posterior under a half-normal prior of τ of the scale `prior_scale` (analysis scale).
    """

    reference: str
    interval: str
    df: float | None
    prior_scale: float | None
    tau2: float
    tau2_method: str
    q: float | None
    q_df: int
    q_p_value: float | None
    i2: float | None
    contrasts: int
    studies: int


class LeagueRow(Part):
    """One treatment against another by all paths of a network; `trials` compare the two directly."""

    network: str
    experimental: str
    control: str
    trials: int
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    p_value: float | None
    pi_low: float | None
    pi_high: float | None


class Rank(Part):
    """A treatment's place among those of a network, and how sure one may be of its direct comparison with
    the reference (GRADE's level, or why there is none)."""

    network: str
    treatment: str
    trials: int
    certainty: str
    p_score: float
    mean_rank: float
    sd_rank: float | None


class Inconsistency(Part):
    """The test between designs, or why there is none (`refused`)."""

    q: float | None
    df: int | float
    p_value: float | None
    designs: int
    refused: str
    caution: str


class NodeSplit(Part):
    """Direct and indirect evidence on one comparison, and whether they differ."""

    experimental: str
    control: str
    direct: float | None
    indirect: float | None
    p_value: float | None


class LeftOut(Part):
    """A trial of a network's treatments that is not in it, or some of its `arms`, and why: by the `protocol`,
    whose `reason` is in words; `no_number` that could be used; `arms` with another outcome, or that cannot be
    compared with the others of their trial."""

    study_id: str
    label: str
    kind: str
    reason: str
    arms: tuple[str, ...]


class Network(Part):
    """A network of treatments: `parts` are its connected parts, the largest of which is fitted."""

    network: str
    title: str
    note: str
    measure: str
    scale: str | None
    unit: str
    better: str
    direction: Direction
    analyses: tuple[str, ...]
    trials: int
    outcomes: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    edges: tuple[Edge, ...]
    studies: tuple[NetworkContrast, ...]
    sentence: str
    left_out: tuple[LeftOut, ...]
    fit: NetworkFit | None
    league: tuple[LeagueRow, ...]
    ranking: tuple[Rank, ...]
    inconsistency: Inconsistency | None
    splits: tuple[NodeSplit, ...]


class PublishedPanel(Part):
    """One axis of a figure of published pools: `name` says what is measured where the measure does not."""

    name: str
    measure: str
    better: str


class PublishedFigure(Part):
    """A figure of published pools: its axes, and the headings under which their rows stand, in order."""

    title: str
    panels: tuple[PublishedPanel, ...]
    treatments: tuple[str, ...]


class PublishedPool(Part):
    """A row of published.csv: a published pooled result beside our analysis of the nearest question.

    Estimates and intervals as printed, and `aligned` with the panel that shows them, where `better` is the
    direction of a benefit; `turned` and `left_out` are reasons, `same_direction` compares the two estimates.
    """

    review_id: str
    year: int | None
    condition: str
    comparison: str
    outcome: str
    n_studies: float | None
    n_participants: float | None
    model: str | None
    measure: str
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    source_url: str
    locator: str | None
    note: str | None
    review_trials: int | None
    treatment: str
    figure: str
    panel: str
    better: str
    aligned_estimate: float | None
    aligned_ci_low: float | None
    aligned_ci_high: float | None
    turned: str
    left_out: str
    analysis: str
    same_direction: bool | None
    our_comparison: str | None = None
    our_status: Status | None = None
    our_k: int | None = None
    our_n: int | None = None
    our_model: str | None = None
    our_measure: str | None = None
    our_estimate: float | None = None
    our_ci_low: float | None = None
    our_ci_high: float | None = None
    our_aligned_estimate: float | None = None
    our_aligned_ci_low: float | None = None
    our_aligned_ci_high: float | None = None
    differences: str


@cache
def _fields(kind: Any) -> Mapping[str, bool]:
    """The fields of a record by their names, and whether they are written also where they are None."""
    return {each.name: "omitted" not in each.metadata for each in fields(kind)}


def columns_of(kind: type) -> tuple[str, ...]:
    """The fields of a record in their order, which are the columns of its table.

    >>> columns_of(Direction)
    ('left', 'right')
    """
    return tuple(_fields(kind))


def taken(kind: type[T], source: Any, /, **values: Any) -> T:
    """A record with the fields that another one, or a fit of `stats`, has by the same names.

    >>> taken(Break, Sensitivity(kind="data", choice="final"), to=Conclusion.HARM).kind
    'data'
    """
    names = [name for name in columns_of(kind) if name not in values and hasattr(source, name)]
    shared = ((name, getattr(source, name)) for name in names)  # numpy's numbers become Python's
    return kind(**{name: one.item() if hasattr(one, "item") else one for name, one in shared}, **values)


def sketch(kind: type[T], known: Mapping[str, Any] | None = None, /, **values: Any) -> T:
    """A record, or a part of one, of which only some fields are known: the others are None, empty or zero.

    >>> sketch(Record, {"measure": "RR", "studies": [{"label": "Lu 2020"}]}, k=1).studies[0].label
    'Lu 2020'
    """
    given, record = {**(known or {}), **values}, cast(Any, kind)
    made = {each.name for each in fields(record) if each.default_factory is not MISSING} - given.keys()
    hints = ((name, hint) for name, hint in _hints(record).items() if name not in made)
    return kind(**{name: _sketched(hint, given.get(name)) for name, hint in hints})


@cache
def _hints(kind: Any) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _sketched(hint: Any, value: Any) -> Any:
    """A value of which only a part may be known, as its type wants it."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        return None if value is None and NoneType in parts else _sketched(parts[0], value)
    if origin is tuple:
        return tuple(_sketched(parts[0], each) for each in value or ())
    if origin is not None:  # a mapping
        return {key: _sketched(parts[-1], each) for key, each in (value or {}).items()}
    if hint in (Choices, Steps):
        return from_json(hint, value or ())
    if is_dataclass(hint) and not is_dataclass(value):
        return sketch(cast(type, hint), value)
    if issubclass(hint, StrEnum):
        return hint(value or list(hint)[-1])
    return hint() if value is None else value


def to_json(value: Any) -> Any:
    """A record, or any part of one, as JSON-ready dicts and lists, keys in the order of the fields.

    >>> to_json(Difference(value=2.0, unit="points", kind="anchor", source="a page"))
    {'value': 2.0, 'unit': 'points', 'kind': 'anchor', 'source': 'a page'}
    """
    if type(value) in PLAIN:
        return value
    if is_dataclass(value):
        return {
            name: to_json(part)
            for name, always in _fields(cast(Any, type(value))).items()
            if (part := getattr(value, name)) is not None or always
        }
    if isinstance(value, Choices | Steps):
        return str(value)
    if isinstance(value, Mapping):
        return {key: to_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(part) for part in value]
    return value


def from_json(kind: type[T], value: Any) -> T:
    """The other way round; raises msgspec.ValidationError, which names the place, where the form differs.

    >>> from_json(Break, {"kind": "data", "choice": "final values", "to": "unclear"}).choice
    'final values'
    """
    return msgspec.convert(value, kind, dec_hook=_from_cell)


def _from_cell(kind: type[Choices] | type[Steps], value: Any) -> Choices | Steps:
    """Steps or choices from the text of JSON, or from the list of a parquet file."""
    if isinstance(value, kind):
        return value
    if isinstance(value, str):
        return kind.parse(value)
    return Choices(Choice(**each) for each in value) if kind is Choices else Steps(value)


def result_schema() -> dict[str, Any]:
    """The JSON Schema of result.json, from the records: which keys, of which types, and what each part is.

    `schemas/result.schema.json` is this, and a test holds it to it; `python -m trialpool.records` prints it.

    >>> result_schema()["$defs"]["Direction"]["required"]
    ['left', 'right']
    """

    def text(kind: type) -> dict[str, Any]:
        return {"type": "string", "description": f"{kind.__name__.lower()}, joined by {SEPARATOR!r}"}

    (reference,), parts = msgspec.json.schema_components(
        [Record], schema_hook=text, ref_template="#/$defs/{name}"
    )
    for name, part in parts.items():
        if is_dataclass(kind := globals()[name]):
            always = [each.name for each in fields(kind) if "omitted" not in each.metadata]
            part |= {"required": always, "additionalProperties": False}
            for described in part["properties"].values():
                described.pop("default", None)  # all are written
    about = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:trialpool:result:{RESULT_VERSION}",
        "title": "result.json of an analysis",
        "description": "Numbers are on the natural scale (risk ratio, not its logarithm) unless a field says "
        "otherwise; null stands for what could not be worked out.",
    }
    return {**about, "version": RESULT_VERSION, **reference, "$defs": parts}


if __name__ == "__main__":
    import json

    print(json.dumps(result_schema(), ensure_ascii=False, indent=1))
