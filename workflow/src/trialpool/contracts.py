"""The codebook as data: one specification a column drives reading, validation, conversion and import.

It imports nothing heavy, so that importers and the command line can use it freely. `data/raw/CODEBOOK.md`
is its prose; a test holds the two together. Columns decide: which rows may be pooled (`use`), which test a
p-value is of (`p_test`), which period of a crossover trial a number is of (`period`) are words of a closed
vocabulary; no text that is written for people (notes, labels, reasons) changes what is computed.
"""

from __future__ import annotations

from dataclasses import dataclass

LARGEST = 1e9  # nothing a trial reports is larger; catches a number pasted twice into one cell
LONGEST_TEXT = 10_000

CONDITIONS = ("DPN", "CIPN")
CATEGORIES = (
    *("manual_acupuncture", "electroacupuncture", "laser_acupuncture", "auricular_acupuncture"),
    *("warm_needling", "acupuncture_mixed", "gabapentinoid", "antidepressant", "opioid", "cannabinoid"),
    *("vitamin_b", "lipoic_acid", "prostaglandin", "aldose_reductase_inhibitor", "neurotrophic_drug"),
    *("metformin", "vitamin_d", "vitamin_e", "omega_3", "glutamine", "carnitine", "calcium_magnesium"),
    *("other_drug", "supplement", "herbal", "topical", "exercise", "diet", "neurostimulation"),
    *("photobiomodulation", "cryotherapy", "compression", "massage", "acupressure", "gene_therapy", "other"),
    *("sham", "placebo", "usual_care", "waitlist"),
)
DOMAINS = ("pain", "nerve_conduction", "quality_of_life", "symptom_score", "sensory_function", "function")
EVENT_DOMAINS = ("responder", "incidence", "adverse_event", "serious_adverse_event", "withdrawal")
UNITS = ("points", "m/s", "uV", "mV", "ms", "uS", "um", "Hz", "s", "cm", "percent")
TIMEPOINTS = ("baseline", "during", "end_of_treatment", "follow_up")
RATIOS = ("risk_ratio", "odds_ratio", "hazard_ratio", "rate_ratio", "ratio_of_means")
CONTRAST_MEASURES = (
    *("mean_difference", "smd", "change_difference", "risk_difference", *RATIOS),
    *("t_statistic", "effect_unspecified"),
)
INTERVALS = {"ci95": 0.95, "ci90": 0.90, "ci99": 0.99}  # spread types of confidence intervals, their levels
OUTCOMES: dict[str, tuple[str, ...]] = {
    "responder": (
        *("improved", "markedly_improved", "cured", "pain_30", "pain_50", "pain_50_night", "pain_free"),
        *("symptom_50", "tss_50", "pgic_moderately_improved", "pgic_much_improved"),
        *("pgic_sleep_much_improved", "relief_moderate", "treatment_success", "ctcae_grade_1"),
        "mymop_2_points",
    ),
    "incidence": (
        *("cipn_any", "cipn_grade_1", "cipn_grade_1_2", "cipn_grade_2", "cipn_grade_3", "cipn_ncv_new"),
        *("cipn_moderate_severe", "vibration_impaired", "numbness_feet_moderate_severe"),
        *("ntx_marked_decrease", "adl_interference", "dose_reduction"),
    ),
    "adverse_event": ("any",),
    "serious_adverse_event": ("any", "death"),
    "withdrawal": ("all_causes", "adverse_event", "lack_of_effect", "intervention_stopped"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of cell must look: a pattern for the whole cell, and what to say when it does not."""

    pattern: str
    problem: str
    remedy: str
    longest: int = LONGEST_TEXT


FORMS: dict[str, Form] = {
    "text": Form(r"(?s).*", "not text", "write text"),
    "study": Form(
        r"[A-Za-z][A-Za-z0-9_-]*",
        "not a study id",
        "use letters, digits, _ and - only, a letter first, such as Lu2020b",
        64,
    ),
    "arm": Form(
        r"[a-z0-9][a-z0-9_]*", "not an arm id", "use lower-case letters, digits and _ only, such as b12", 64
    ),
    "arms": Form(
        r"[a-z0-9][a-z0-9_]*( [a-z0-9][a-z0-9_]*)+",
        "not a list of arm ids",
        "write at least two ids of the study's other arms, separated by single spaces",
        640,
    ),
    "code": Form(
        r"[A-Z][A-Z0-9_]*",
        "not a code",
        "use capitals, digits and _ only, a capital first, such as VAS100",
        64,
    ),
    "word": Form(
        r"[a-z0-9][a-z0-9_]*", "not a code", "use lower-case letters, digits and _ only, such as pain_50", 100
    ),
    "label": Form(r"(?s).*", "not text", "write text", 200),
    "number": Form(
        r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?",
        "not a number",
        "write digits with a decimal point, such as -1.25, or leave the cell empty if nothing was reported",
        40,
    ),
    "p_value": Form(
        r"[<>=]? ?(?:0?\.[0-9]+|[01](?:\.0*)?)",
        "not a p-value",
        "write it as printed, such as 0.03 or <0.001, or leave the cell empty",
        20,
    ),
    "url": Form(
        r"https?://[^\s<>\"\\/][^\s<>\"\\]*",
        "not a web address",
        "write the whole address, beginning with https:// or http://, without spaces, quotes or < >",
        2000,
    ),
    "doi": Form(r"10\.[0-9]{4,9}/[^\s<>\"]+", "not a DOI", "write it bare, such as 10.1093/pm/pnz117", 300),
    "doi_or_url": Form(
        r"(?:10\.[0-9]{4,9}/[^\s<>\"]+|https?://[^\s<>\"\\/][^\s<>\"\\]*)",
        "neither a DOI nor a web address",
        "write the DOI or address of the review that judged",
        2000,
    ),
    "pmid": Form(r"[1-9][0-9]{0,8}", "not a PubMed id", "write its digits only", 9),
    "pmcid": Form(r"PMC[0-9]{1,9}", "not a PubMed Central id", "write it as PMC7963203", 12),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the form of its cells, whether they may be empty, the words or the range allowed.

    A table may lack an `optional` column altogether; its cells then count as empty.
    """

    name: str
    form: str = "text"
    required: bool = False
    optional: bool = False
    words: tuple[str, ...] = ()
    low: float = -LARGEST
    high: float = LARGEST
    whole: bool = False

    @property
    def is_number(self) -> bool:
        """Whether the column is stored as float64 (empty = NaN) rather than as text (empty = <NA>)."""
        return self.form == "number"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns in order and the columns that identify a row."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def file(self) -> str:
        """The table's file name."""
        return f"{self.name}.csv"

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in the codebook's order."""
        return tuple(column.name for column in self.columns)


def _words(name: str, words: tuple[str, ...], required: bool = True, optional: bool = False) -> Column:
    return Column(name, "label", required, optional, words)


def _count(name: str, low: float = 1, required: bool = False, high: float = LARGEST) -> Column:
    return Column(name, "number", required, low=low, high=high, whole=True)


def _number(name: str, low: float = -LARGEST, required: bool = False, high: float = LARGEST) -> Column:
    return Column(name, "number", required, low=low, high=high)


STUDY = Column("study_id", "study", True)
ARM = Column("arm", "arm", True)
NOTE = Column("note")
WEEKS = _number("weeks", 0, high=5200)
SOURCE = (Column("source_url", "url", True), Column("locator", required=True))
READING = _words("reading", ("double", "single"), required=False, optional=True)
PERIOD = _words("period", ("first", "second", "both"), required=False, optional=True)
USE = (
    _words("use", ("show_only",), required=False, optional=True),
    Column("use_reason", optional=True),
)
BETTER = ("lower", "higher")
OUTCOME = (
    Column("instrument", "code", True),
    Column("item", "label"),
)
SPREAD = (_number("spread_low"), _number("spread_high"))

STUDIES = Table(
    "studies",
    (
        STUDY,
        Column("label", "label", optional=True),
        *(Column("first_author", "label"), _count("year", 1900, high=2100)),
        *(Column("journal", "label"), Column("country", "label")),
        *(Column("doi", "doi"), Column("pmid", "pmid"), Column("pmcid", "pmcid")),
        Column("registration", "label"),
        _words("condition", CONDITIONS),
        Column("population"),
        _words("design", ("parallel", "crossover", "cluster")),
        _count("n_randomised"),
        _words("report_status", ("doubted", "retracted"), required=False, optional=True),
        Column("setting_note"),
        _words("purpose", ("treatment", "prevention")),
        _words("source_type", ("article", "registry", "review")),
        Column("source_url", "url", True),
    ),
    ("study_id",),
)
ARMS = Table(
    "arms",
    (
        *(STUDY, ARM, _words("role", ("experimental", "control")), _words("category", CATEGORIES)),
        *(Column("label", required=True), Column("cointervention")),
        Column("adds_to", "arm", optional=True),
        *(_number("sessions", 0), WEEKS, _number("sessions_per_week", 0)),
        *(_count("n_randomised"), Column("pooled_of", "arms")),
    ),
    ("study_id", "arm"),
)
CONTINUOUS = Table(
    "continuous",
    (
        *(STUDY, ARM, _words("domain", DOMAINS), *OUTCOME, _words("unit", UNITS)),
        *(_words("better", BETTER), WEEKS, _words("timepoint", TIMEPOINTS, False), PERIOD),
        *(_words("measure", ("final", "change")), _count("n")),
        *(_words("centre_type", ("mean", "median", "lsmean")), _number("centre", required=True)),
        *(_words("spread_type", ("sd", "se", *INTERVALS, "iqr", "range", "none")), *SPREAD),
        *(*USE, *SOURCE, READING, NOTE),
    ),
    (
        "study_id",
        "arm",
        "domain",
        "instrument",
        "item",
        "unit",
        "weeks",
        "timepoint",
        "period",
        "measure",
        "centre_type",
    ),
)
CONTRASTS = Table(
    "contrasts",
    (
        *(STUDY, Column("arm_1", "arm", True), Column("arm_2", "arm", True)),
        *(_words("domain", DOMAINS + EVENT_DOMAINS), *OUTCOME, _words("unit", UNITS, False)),
        *(_words("better", BETTER), WEEKS, _words("timepoint", TIMEPOINTS), PERIOD),
        *(Column("measure", "word", True), _number("estimate")),
        *(_words("spread_type", ("se", *INTERVALS, "none")), *SPREAD, Column("p_value", "p_value")),
        _words("p_test", ("rank", "fisher", "chi2", "log_rank"), required=False, optional=True),
        *(_words("adjusted", ("yes", "no"), False), _count("n_1"), _count("n_2")),
        *(*USE, *SOURCE, READING, NOTE),
    ),
    (
        *("study_id", "arm_1", "arm_2", "domain", "instrument", "item", "unit", "weeks", "timepoint"),
        *("period", "measure", "adjusted"),
    ),
)
EVENTS = Table(
    "events",
    (
        *(STUDY, ARM, _words("domain", EVENT_DOMAINS), Column("outcome", "word", True)),
        *(Column("definition"), _words("better", BETTER, required=False, optional=True)),
        *(WEEKS, _words("timepoint", TIMEPOINTS), PERIOD),
        *(_count("events", 0, True), _count("n", 1, True)),
        _words("count_from", ("percentage", "complement"), required=False, optional=True),
        *(*USE, *SOURCE, READING, NOTE),
    ),
    ("study_id", "arm", "domain", "outcome", "weeks", "timepoint", "period"),
)
RISK_OF_BIAS = Table(
    "risk_of_bias",
    (
        *(STUDY, Column("tool", "label", True), Column("domain", "word", True)),
        _words("judgement", ("low", "some_concerns", "unclear", "high")),
        *(Column("assessed_by", "doi_or_url", True), NOTE),
    ),
    ("study_id", "tool", "domain", "assessed_by"),
)
PUBLISHED_POOLS = Table(
    "published_pools",
    (
        *(Column("review_id", "study", True), Column("doi", "doi"), _words("condition", CONDITIONS)),
        *(Column("comparison", required=True), Column("outcome", required=True)),
        *(_count("n_studies"), _count("n_participants"), _words("model", ("fixed", "random"), False)),
        *(_words("measure", ("MD", "SMD", "RR", "OR", "RD")), _number("estimate", required=True)),
        *(_number("ci_low"), _number("ci_high"), _number("i2_percent", 0, high=100), _number("tau2", 0)),
        *(Column("p_value", "p_value"), *SOURCE, NOTE),
    ),
    ("review_id", "condition", "comparison", "outcome", "model", "measure"),
)
TABLES: dict[str, Table] = {
    table.name: table
    for table in (STUDIES, ARMS, CONTINUOUS, CONTRASTS, EVENTS, RISK_OF_BIAS, PUBLISHED_POOLS)
}
AUDIT = Table(
    "audit",
    (
        *(Column("rule"), Column("severity"), Column("study_id"), Column("row_ids")),
        *(Column("numbers"), Column("finding"), Column("check"), Column("source_url")),
    ),
    (),
)
