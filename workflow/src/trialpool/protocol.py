"""The protocol of one review: its configuration in, checked as a whole; its analyses out, fully resolved.

A review asks products of populations, outcomes and comparisons; config/README.md explains every key. Loaded
by the Snakefile at every start, so it imports little.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, product
from pathlib import Path
from typing import Any, NamedTuple, NotRequired, TypedDict, cast

from trialpool import io
from trialpool.contracts import STUDIES
from trialpool.errors import Fault, InputError, nearest, suggestion
from trialpool.measures import CORRELATIONS, IN_UNITS, MEASURES, METHODS, OF_GROUPS, SIDES, Of
from trialpool.priors import TABLES, Setting, literature_prior
from trialpool.priors import slips as prior_slips
from trialpool.records import Shape, columns_of, is_formula
from trialpool.text import capital
from trialpool.vocabulary import Domain, Vocabulary, general, group_slips, load_vocabulary
from trialpool.yaml_files import (
    KeyPath,
    Lines,
    Slip,
    faults_of,
    read_sound,
    read_yaml,
    schema_slips,
    shipped,
    yaml_text,
)

Raw = Mapping[str, Any]  # a mapping of a YAML file, as it was read
INSTRUMENTS = "config/instruments.yaml"
# keys of files
NAMING = ("evidence", "vocabulary", "instruments", "claims", "published", "networks", "screening")
PARTS = {"population": "populations", "outcome": "outcomes", "comparison": "comparisons"}  # as in a slug
# what an outcome calls it, and a comparison of one group, which is the experimental side of none
ASKED_AS = {"instruments": "outcomes", "events": "outcomes"}
ASKED_AS |= {"group": "experimental", "group_name": "experimental_name"}
REQUIRED = ("title", "condition", "domain", "experimental", "control", "measure", "better")
OF_SCORES = (Of.MEANS, Of.CORRELATIONS, Of.ANYTHING)
SCALED = ("MD", "MN", "MC")  # that can be brought to one range
OF_TWO = ("design", "dose", "favours", "mcid", "thresholds", "control_name")
SLUG = re.compile(r"[a-z][a-z0-9-]{0,79}")
STRANGE = re.compile(r"[{}*?\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
MODELS = {"mh": "FE", "peto": "FE", "penalised": "FE", "glmm": "ML"}  # the estimator of τ² of each
FOREST_WORDS = {  # what the words of a forest plot are
    **{"style": "styles", "sort": "orders", "show": "parts", "columns": "columns"},
    "prediction": "ways to draw it",
}
BETWEEN = ("between_group", "cross_sectional")  # methods by which an MCID is one between groups


class Analysis(TypedDict):
    """One analysis with all its settings, defaults filled in, groups of treatments written out.

    `analysis` is its slug, `was` the one before; `design` is None for any; `unit` that of the analysis scale,
    empty for ratios and where the instruments' units differ; `mcid` a `records.Difference` as JSON.
    `familiar` and `baseline_risks` are for the summary of findings alone.
    """

    analysis: str
    note: str
    purpose: str | None
    outcomes: list[str]
    items: list[str]
    timepoint: str | list[str] | dict[str, list[float]]
    scale: str | None
    convert: list[str]
    mcid: Raw | None
    within_person: Raw | None
    familiar: Raw | None
    baseline_risks: list[Raw]
    moderators: list[str]
    missing_outcomes: Raw | None
    dose: str | None
    subgroups: str | None
    total: bool
    illustrative: bool
    tau2_method: str
    interval: str
    level: float
    prediction_from: int
    prediction_df: str
    prior: Setting | None
    several_effects: str
    multi_arm: str
    kinds: list[str] | None
    change_correlation: float
    correlation_source: str
    borrow_sd: bool | str
    p_bounds: bool
    audit_exclude: list[str]
    smd_variance: str
    rom_corrected: bool
    zero_cells: float | str
    method: str
    glmm_model: str
    small_study: str
    figures: list[str]
    risk_of_bias_weights: dict[str, float] | None
    forest: str
    shape: Raw | None
    formats: list[str] | None
    robustness: dict[str, float]
    assumptions: dict[str, dict[str, bool | float | str]]
    title: str
    condition: list[str]
    domain: str
    experimental: list[str]
    control: list[str]
    measure: str
    better: str
    favours: list[str] | None
    experimental_name: str
    control_name: str
    unit: str
    design: str | None
    was: str | None


class Catalogue(TypedDict):
    """Instruments by their codes, the rule that chose each MCID, and groups of arm categories."""

    mcid_rule: NotRequired[str]
    groups: NotRequired[dict[str, list[str]]]
    instruments: dict[str, Raw]


@dataclass(frozen=True, slots=True)
class Protocol:
    """One review: its folders, the files that go with it, its words, and its analyses by slug as asked."""

    evidence: Sequence[str]
    processed: str
    results: str
    words: Vocabulary
    analyses: Mapping[str, Analysis]
    instruments: str = INSTRUMENTS
    claims: str | None = None
    published: str | None = None
    networks: str | None = None
    reproduced: str | None = None
    screening: str | None = None
    grade: str = "grade"
    vocabulary: str | None = None
    title: str = ""
    question: str = ""
    authors: Sequence[str] = ()
    search_date: str = ""
    formats: Sequence[str] | None = None  # of figures, where the defaults say any
    panels: Mapping[str, Raw] = field(default_factory=dict)  # figures of several analyses, by their names

    @property
    def files(self) -> list[str]:
        """The files that the configuration names, besides the tables of evidence."""
        named = (
            self.vocabulary,
            self.instruments,
            self.claims,
            self.published,
            self.networks,
            self.screening,
        )
        return [file for file in named if file]

    @property
    def head(self) -> dict[str, str]:
        """What the page says first: `title`, `question`, `authors`, `search_date`; "" for none.

        Also which `panels` it links to, separated by blanks, where there are any.
        """
        said = {"title": self.title, "question": self.question, "search_date": self.search_date}
        said |= {"panels": " ".join(self.panels)} if self.panels else {}
        return said | {"authors": ", ".join(self.authors)}


class Written(NamedTuple):
    """What a file says of an analysis: its keys, and where each of them stands."""

    values: dict[str, Any]
    paths: dict[str, KeyPath]

    def over(self, entry: Raw, path: KeyPath) -> Written:
        """The same with what a further entry, at a path of the file, adds or says otherwise."""
        names = {ASKED_AS.get(key, key): key for key in entry if key not in ("name", "slug")}
        values = {name: entry[key] for name, key in names.items()}
        if "group" in entry:
            names, values = {"control": "group", **names}, {"control": [], **values}
        return Written(self.values | values, self.paths | {name: (*path, key) for name, key in names.items()})


def load_protocol(config: Raw, files: Iterable[str | Path] = ()) -> Protocol:
    """Check a configuration and resolve its analyses.

    `config` is the configuration as Snakemake merged it; `files` are the YAML files it came from, read
    again for line numbers and duplicate keys. Raises InputError with every fault found, each naming the
    file, line, key, value and the nearest known word.

    >>> load_protocol({"evidence": "data/raw", "analyses": {}, "results": "out", "instruments": "my.yaml"})
    Traceback (most recent call last):
    trialpool.errors.InputError: 2 faults in the input:
      config: the key 'processed' is missing. To mend: add it, see config/README.md.
      my.yaml: the file cannot be read (No such file or directory). To mend: check its path.
    """
    name = "config"
    lines: Lines = {}
    for file in files:
        name, (_, lines) = str(file), read_yaml(file)
    if isinstance(config.get("search_date"), date):  # YAML takes 2026-11-28 for more than text
        config = {**config, "search_date": str(config["search_date"])}
    slips = list(schema_slips("config", config))
    sound = _sound(config, {slip.path[:2] for slip in slips}) if isinstance(config, Mapping) else {}
    words, catalogue, others = _words_and_catalogue(sound)
    whole = not {slip.path[0] for slip in slips if slip.path} & {"questions", *PARTS.values()}
    written, more = _written(sound, words, whole)
    slips += [*_folder_slips(sound), *more]
    if catalogue:
        defaults = sound.get("defaults", {})
        of_all = Written({}, {}).over(defaults, ("defaults",))
        slips += [*_named_slips(of_all, words), *_formula_slips(of_all)]
        slips += _treatment_slips(sound.get("subject", ()), ("subject",), words)
        slips += [slip for entry in written.values() for slip in _meaning_slips(entry, words, catalogue)]
    slips += _panel_slips(sound, written) if whole else ()
    if not (slips or written):
        slips.append(Slip((), "", "nothing is asked", "write a question, or an analysis in full"))
    if catalogue is None or slips:
        raise InputError([*faults_of(dict.fromkeys(slips), name, lines), *others])
    return _protocol(config, written, words, catalogue)


def read_protocol(path: str | Path) -> Protocol:
    """The protocol in a YAML file, by itself."""
    return load_protocol(read_yaml(path)[0], [path])


def read_in_place(path: str | Path) -> tuple[Protocol, Path]:
    """The protocol in a YAML file whose paths need not begin here, and the folder in which they do."""
    folder = folder_of_paths(path)
    name = os.path.relpath(Path(path).resolve(), folder.resolve())
    with contextlib.chdir(folder):
        return read_protocol(name), folder


def folder_of_paths(path: str | Path) -> Path:
    """Where a configuration's paths begin: here, or the folder above it in which more of its files lie."""
    config = read_yaml(path)[0]
    given = [config[key] for key in NAMING if config.get(key)] if isinstance(config, Mapping) else []
    names = [name for each in given for name in _listed(each) if isinstance(name, str)]
    folders = [Path(), *Path(path).resolve().parents]
    return max(folders, key=lambda folder: sum((folder / name).exists() for name in names))


def _words_and_catalogue(config: Raw) -> tuple[Vocabulary, Catalogue | None, tuple[Fault, ...]]:
    """The vocabulary, the catalogue, whose groups it gets, and what is wrong with their files."""
    words = general()
    try:
        words = load_vocabulary(config.get("vocabulary"))
        catalogue = load_catalogue(config.get("instruments", INSTRUMENTS), words)
    except InputError as error:
        return words, None, error.faults
    return words.with_groups(catalogue.get("groups", {})), catalogue, ()


def _protocol(config: Raw, written: dict[str, Written], words: Vocabulary, catalogue: Catalogue) -> Protocol:
    """A sound configuration as a protocol."""
    rules = shipped("config.schema")
    shared = {
        **{**_defaults(rules["$defs"]["analysis"]), **config.get("defaults", {})},
        "robustness": {**_defaults(rules["properties"]["robustness"]), **config.get("robustness", {})},
        "assumptions": dict(config.get("assumptions", {})),
    }
    kept: Any = {name: config[name] for name in Protocol.__annotations__ if name in config}
    asked = {slug: _with_forest(shared, each.values) for slug, each in written.items()}
    subject = {code for word in config.get("subject", ()) for code in words.members(word)}
    analyses = {slug: _resolved(slug, each, words, catalogue) for slug, each in asked.items()}
    for each in analyses.values():
        each["illustrative"] = bool(subject) and subject.isdisjoint(each["experimental"])
    kept |= {"evidence": _listed(config["evidence"]), "formats": shared["formats"], "words": words}
    return Protocol(**kept | {"analyses": analyses})


def _with_forest(shared: Raw, own: Raw) -> Raw:
    """An analysis over the defaults; what it says of its forest plot is over what they say of it."""
    usual, asked = (each.get("forest", {}) for each in (shared, own))
    usual, asked = ({"style": each} if isinstance(each, str) else each for each in (usual, asked))
    style, shape, favours = forest_of({**usual, **asked})
    return {**shared, **own, **favours, "forest": style, "shape": shape or None}


def forest_of(asked: Raw) -> tuple[str, Raw, Raw]:
    """What is asked of a forest plot, as its style, its `records.Shape` as JSON and, if any, its `favours`.

    >>> forest_of({"style": "bmj", "columns": ["study", {"country": "Land"}, "plot"]})
    ('bmj', {'columns': ['study', 'country', 'plot'], 'headings': {'country': 'Land'}}, {})
    """
    shape = {key: value for key, value in asked.items() if key not in ("style", "favours")}
    listed = asked.get("columns") or ()
    named = [each if isinstance(each, Mapping) else {each: None} for each in listed]
    if named:
        shape["columns"] = [name for each in named for name in each]
    headings = {name: text for each in named for name, text in each.items() if text is not None}
    if headings:
        shape["headings"] = {**headings, **shape.get("headings", {})}
    favours = {"favours": asked["favours"]} if "favours" in asked else {}
    return asked.get("style", "default"), shape, favours


def _defaults(rules: Raw) -> Raw:
    """What an entry has that says nothing else, by the rules of the schema for its keys."""
    return {key: rule["default"] for key, rule in rules["properties"].items() if "default" in rule}


def _listed(value: str | Sequence[str]) -> list[str]:
    """One word or several, as a list."""
    return [value] if isinstance(value, str) else list(value)


# what is asked: products of populations, outcomes and comparisons; and what is written out


def _written(config: Raw, words: Vocabulary, whole: bool) -> tuple[dict[str, Written], list[Slip]]:
    """Every analysis that has all it must have, by slug, and what is wrong with how they are put together.

    `config` holds sound entries only; `whole` says that no other was taken out of its questions and parts,
    so that what is not found there does not exist.
    """
    asked: dict[str, Written] = {}
    slips: list[Slip] = []
    for number, question in enumerate(config.get("questions", ())):
        path = ("questions", str(number))
        slips += _unknown_parts(question, config, path) if whole else ()
        made = list(_products(question, config, words, path))
        for key in [key for key in ("title", "was") if key in question and len(made) > 1]:
            problem = f"of one analysis, and this line asks {len(made)}"
            remedy = "write it under analyses, below the slug of the one that it is of"
            slips.append(Slip((*path, key), str(question[key]), problem, remedy))
        for slug, entry in made:
            if slug in asked:
                remedy = "ask it once, or give one of the questions a suffix"
                slips.append(Slip(path, slug, "an analysis that an earlier question asks", remedy))
            asked[slug] = entry
    every = dict(asked)
    for slug, entry in config.get("analyses", {}).items():
        every[slug] = every.get(slug, Written({}, {})).over(entry, ("analyses", slug))
    slips += [slip for slug in every for slip in _slug_slips(slug, every, asked if whole else None)]
    return {slug: entry for slug, entry in every.items() if not _missing(entry.values)}, slips


def _missing(values: Raw) -> list[str]:
    """The keys that an analysis lacks; of one group no direction has to be better."""
    free = ("better",) if values.get("measure") in OF_GROUPS else ()
    return [key for key in REQUIRED if key not in (*values, *free)]


def _unknown_parts(question: Raw, config: Raw, path: KeyPath) -> Iterator[Slip]:
    for part, section in PARTS.items():
        known = config.get(section, {})
        for name in _listed(question[part]):
            if name not in known:
                remedy = suggestion(name, known) if known else f"write {section}, see config/README.md"
                yield Slip((*path, part), name, f"not among the {section}", remedy)


def _products(question: Raw, config: Raw, words: Vocabulary, path: KeyPath) -> Iterator[tuple[str, Written]]:
    """Slug and analysis of every product of the populations, outcomes and comparisons of a question."""
    own = {key: value for key, value in question.items() if key not in (*PARTS, "suffix")}
    choices = []
    for part, section in PARTS.items():
        known = config.get(section, {})
        choices.append([(section, name, known[name]) for name in _listed(question[part]) if name in known])
    for parts in product(*choices):
        entry = Written({"title": _title(words, parts, question.get("suffix"))}, {"title": path})
        for section, name, part in parts:
            entry = entry.over(part, (section, name))
        slug = [*(part.get("slug", name) for _, name, part in parts), question.get("suffix")]
        yield "-".join(word for word in slug if word), entry.over(own, path)


def _title(words: Vocabulary, parts: Sequence[tuple[str, str, Raw]], suffix: str | None) -> str:
    """The question in the words of its parts, such as "MI, quality of life: aspirin versus usual care"."""
    (*_, population), (_, name, outcome), (*_, comparison) = parts
    conditions = map(words.condition, _listed(population.get("condition", ())))
    who = population.get("name", " or ".join(conditions))
    what = outcome.get("name", name.replace("-", " "))
    sides = " versus ".join(filter(None, (_side_name(comparison, side, words) for side in SIDES)))
    return f"{capital(', '.join(filter(None, (who, what, suffix))))}: {comparison.get('name', sides)}"


def _side_name(entry: Raw, side: str, words: Vocabulary) -> str:
    """What a side of a comparison is called; "" for that which one group has not."""
    if "group" in entry:
        entry = {"control": [], **entry, "experimental": entry["group"]}
        entry |= {"experimental_name": entry.get("group_name")}
    return str(entry.get(f"{side}_name") or " or ".join(map(words.side, entry[side])))


def _slug_slips(slug: str, every: Mapping[str, Written], asked: Collection[str] | None) -> Iterator[Slip]:
    """What is wrong with a slug, and with what stands under it; `asked` are those of sound questions."""
    values, paths = every[slug]
    path = ("analyses", slug)
    if not SLUG.fullmatch(slug):
        problem = "not a slug: a letter, and up to 79 lower-case letters, digits and hyphens"
        yield Slip(paths.get("title", path), slug, problem, "change a name in it")
    if values.get("was") in every:
        yield Slip(paths["was"], values["was"], "the slug of an analysis that is still asked", "remove it")
    missing = _missing(values) if asked is not None else []
    if missing and (near := nearest(slug, asked or ())):
        problem = f"no slug of a question, nor an analysis written in full ({', '.join(missing)} are missing)"
        yield Slip(path, slug, problem, f"did you mean '{near}'")
        return
    for key in missing:
        yield Slip(path, "", f"the key '{key}' is missing", "add it, see config/README.md")


def _meaning_slips(entry: Written, words: Vocabulary, catalogue: Catalogue) -> Iterator[Slip]:
    """Words of an analysis that are not known, and a measure that does not fit the domain."""
    values, paths = entry
    for side in SIDES:
        yield from _treatment_slips(values[side], paths[side], words)
    one, other = ({code for word in values[side] for code in words.members(word)} for side in SIDES)
    if one == other:
        problem = "the same as the experimental side, so that nothing is compared"
        yield Slip(paths["control"], ", ".join(values["control"]), problem, "name what it is compared with")
    asked = values["domain"]
    if asked not in words.domains and words.table_words()["domain"].refuses(asked):
        remedy = suggestion(values["domain"], words.domains)
        yield Slip(paths["domain"], values["domain"], "not a domain of the vocabulary", remedy)
        return
    domain = words.domain(values["domain"], MEASURES[values["measure"]].of)
    if "outcomes" in paths:
        yield from _outcome_slips(entry, domain, {code.split(":")[0] for code in catalogue["instruments"]})
    yield from _measure_slips(entry, domain)
    yield from _named_slips(entry, words)


def _named_slips(entry: Written, words: Vocabulary) -> Iterator[Slip]:
    """Rules of the audit and domains of priors that do not exist; a line over doses of what is not pooled."""
    values, paths = entry
    for at, rule in enumerate(values.get("audit_exclude", ())):
        if rule not in (rules := shipped("audit")):
            path, problem = (*paths["audit_exclude"], str(at)), "not a rule of the audit"
            yield Slip(path, rule, problem, suggestion(rule, rules))
    named = [
        (at, domain)
        for at, prior in enumerate(values.get("priors", ()))
        for domain in prior.get("domain", ())
    ]
    for at, domain in named:
        if domain not in words.domains and words.table_words()["domain"].refuses(domain):
            path, problem = (*paths["priors"], str(at), "domain"), "not a domain of the vocabulary"
            yield Slip(path, domain, problem, suggestion(domain, words.domains))
    yield from _prior_slips(values.get("priors", ()), paths)
    yield from forest_slips(values.get("forest"), paths.get("forest", ()), values.get("measure"))
    if values.get("dose") and values.get("total") is False:
        problem = "a line over the doses of trials that 'total: false' keeps apart"
        yield Slip(paths["dose"], values["dose"], problem, "remove one of the two")


def _prior_slips(priors: Sequence[Raw], paths: Mapping[str, KeyPath]) -> Iterator[Slip]:
    """Priors of the literature that their table does not have, or has for another measure."""
    for at, prior in enumerate(priors):
        for table in (name for name in TABLES if name in prior):
            path, measure = (*paths["priors"], str(at)), shipped("priors")[table]["measure"]
            for other in (each for each in prior["measure"] if each != measure):
                problem = f"not the measure of {table.title()}'s priors"
                yield Slip(
                    (*path, "measure"), other, problem, f"write {measure}, or give a scale and a source"
                )
            asked = {"outcome": "any", "comparison": "any", **prior[table]}
            for name, word, words in prior_slips(table, asked):
                yield Slip((*path, table, name), word, f"no {name} of the table", suggestion(word, words))


def forest_slips(
    asked: Any, path: KeyPath = (), measure: str | None = None, further: Iterable[str] = STUDIES.names
) -> Iterator[Slip]:
    """What is wrong with what is asked of a forest plot; `further` are columns that the trials have.

    >>> next(forest_slips({"sort": "yaer"})).remedy
    "did you mean 'year'"
    """
    if not isinstance(asked, Mapping):
        return
    every = shipped("forest")
    keys = ("style", "favours", "headings", *columns_of(Shape))
    for key in asked:
        if key not in keys:
            yield Slip((*path, key), "", f"the key {key!r} is not known", suggestion(key, keys))
    sorts = [f"{sign}{name}" for sign in ("", "-") for name in every["sorts"]]
    named = [*every["blocks"], *every["arms"], *every["trial"], *further]
    words = {"style": every["styles"], "sort": sorts, "show": every["parts"]}
    words |= {"prediction": every["predictions"], "columns": dict.fromkeys(named)}
    for key, known in words.items():
        given = asked.get(key) or ()
        for at, entry in enumerate([given] if isinstance(given, str) else given):
            name = next(iter(entry), "") if isinstance(entry, Mapping) else entry
            if name not in known:
                at_list = () if isinstance(given, str) else (str(at),)
                problem = f"not among the {FOREST_WORDS[key]}"
                yield Slip((*path, key, *at_list), str(name), problem, suggestion(str(name), known))
    yield from _axis_slips(asked, path, measure)


def _axis_slips(asked: Raw, path: KeyPath, measure: str | None) -> Iterator[Slip]:
    """Limits and ticks that no axis has."""
    low, high = asked.get("limits") or (-math.inf, math.inf)
    if low >= high:
        value = yaml_text([low, high])
        yield Slip((*path, "limits"), value, "not in ascending order", "write the lower one first")
        return
    ratio = measure is not None and MEASURES[measure].ratio
    for key in ("limits", "ticks"):
        for value in (asked.get(key) or ()) if ratio else ():
            if value <= 0:
                problem = f"not on the axis of {measure}"
                yield Slip((*path, key), yaml_text(value), problem, "write ratios, which are above 0")
    for value in asked.get("ticks") or ():
        if not low <= value <= high:
            problem = f"a tick outside the limits {yaml_text(low)} to {yaml_text(high)}"
            yield Slip((*path, "ticks"), yaml_text(value), problem, "remove it, or widen the limits")


def _treatment_slips(named: Collection[str], path: KeyPath, words: Vocabulary) -> Iterator[Slip]:
    if {*named} <= words.groups.keys() | words.treatments.keys():
        return
    treatments = words.table_words()["category"].words
    known = sorted({*words.groups, *treatments}) if treatments else []
    for word in named:
        if known and word not in known:
            yield Slip(path, word, "neither an arm category nor a group of them", suggestion(word, known))


def _outcome_slips(entry: Written, domain: Domain, instruments: Collection[str]) -> Iterator[Slip]:
    path, outcomes = entry.paths["outcomes"], entry.values["outcomes"]
    for code in outcomes if not domain.is_events else ():
        if code.split(":")[0] not in instruments:
            yield Slip(path, code, "not in the instrument catalogue", suggestion(code, sorted(instruments)))
    if path[-1] == ("instruments" if domain.is_events else "events"):
        wanted = "events" if domain.is_events else "instruments"
        yield Slip(path, path[-1], f"not how the domain {domain.code} is measured", f"write {wanted}")


def _measure_slips(entry: Written, domain: Domain) -> Iterator[Slip]:
    """A measure that does not fit the domain, and what does not fit the measure."""
    values, paths = entry
    measure, scale = values["measure"], values.get("scale")
    group = not values["control"]
    kinds = (Of.EVENTS, Of.TIMES, Of.ANYTHING) if domain.is_events else OF_SCORES
    fitting = [code for code, each in MEASURES.items() if each.of in kinds and each.group is group]
    if measure not in fitting:
        problem = f"not a measure for the domain {domain.code}"
        if MEASURES[measure].group is not group:
            problem = (
                "a measure of one group" if not group else "a measure of two sides, and this is one group"
            )
        yield Slip(paths["measure"], measure, problem, f"use one of: {', '.join(fitting)}")
    yield from _group_slips(entry) if group else ()
    if "labbe" in values.get("figures", ()) and measure not in METHODS["mh"]:
        yield Slip(paths["figures"], "labbe", f"of events in two arms, not of {measure}", "remove it")
    yield from _method_slips(entry)
    yield from _formula_slips(entry)
    for key, wanted in (("scale", SCALED), ("convert", ("SMD",))):
        if values.get(key) and measure not in wanted:
            problem, remedy = f"meaningless for {measure}", f"remove it, or use measure: {wanted[0]}"
            yield Slip(paths[key], str(values[key]), problem, remedy)
    if scale and _width(scale) <= 0:
        yield Slip(paths["scale"], scale, "not in ascending order", "write the lowest first, such as 0-10")
    for key, size in (("mcid", values.get("mcid")), *values.get("thresholds", {}).items()):
        if size and not size.get("low", 0) <= size["value"] <= size.get("high", math.inf):
            path = paths.get("mcid" if key == "mcid" else "thresholds", ())
            problem = f"the value of {key} lies outside its low and high"
            yield Slip(path, str(size["value"]), problem, "write low ≤ value ≤ high")
    if domain.is_events and domain.better and values.get("better", domain.better) != domain.better:
        problem = f"against the meaning of the domain {domain.code}"
        yield Slip(paths["better"], values["better"], problem, f"write {domain.better}")


def _group_slips(entry: Written) -> Iterator[Slip]:
    """What is asked of one group and is of two: a design, a dose against none, a control that arms share."""
    values, paths = entry
    for key in [key for key in OF_TWO if values.get(key) and key in paths]:
        yield Slip(paths[key], "", f"{key} is of two sides, and this is one group", "remove it")
    if (rule := values.get("multi_arm")) in ("split", "covariance"):
        problem = "of a control that arms share, and one group has none"
        yield Slip(paths["multi_arm"], str(rule), problem, "write combine or first")
    if (rule := values.get("zero_cells")) in ("treatment_arm", "revman"):
        problem = "a rule for tables of two arms, and this is one group"
        yield Slip(paths["zero_cells"], str(rule), problem, "write a number, constant or none")


def _method_slips(entry: Written) -> Iterator[Slip]:
    """A method of pooling events that does not give the measure, or does not take the trials."""
    values, paths = entry
    method, measure = values.get("method", "iv"), values["measure"]
    if method == "iv":
        return
    if measure not in METHODS[method]:
        alike = (code for code in METHODS[method] if MEASURES[code].group is MEASURES[measure].group)
        fitting = ", ".join(alike)
        remedy = f"use iv, or one of the measures {fitting}" if fitting else "use iv"
        yield Slip(paths["method"], method, f"no method that gives a {MEASURES[measure].name}", remedy)
    if method == "glmm" and (measure, values.get("glmm_model")) == ("IRR", "CM.AL"):
        problem, remedy = "of people only", "write CM.EL, which is the same of person-time"
        yield Slip(paths["glmm_model"], "CM.AL", problem, remedy)
    for own in [name for name in ("tau2_method", "interval") if name in paths]:
        yield Slip(
            paths[own], str(values[own]), f"not for the method {method}, which has its own", "remove it"
        )
    for key, dependent in (("multi_arm", "covariance"), ("several_effects", "multilevel")):
        if values.get(key) == dependent:
            problem = f"not for the method {method}, which takes trials that do not depend on each other"
            yield Slip(paths[key], dependent, problem, f"remove it, or the method {method}")


def _panel_slips(config: Raw, written: Collection[str]) -> Iterator[Slip]:
    """Analyses of a figure of panels that nobody asks."""
    for name, panel in config.get("panels", {}).items():
        for at, slug in enumerate(panel["analyses"]):
            if slug not in written:
                place = slug if isinstance(panel["analyses"], Mapping) else str(at)
                path = ("panels", name, "analyses", place)
                yield Slip(path, slug, "not an analysis of this review", suggestion(slug, written))


def _formula_slips(entry: Written) -> Iterator[Slip]:
    """Formulas of moderators that cannot be read."""
    formulas = [word for word in entry.values.get("moderators", ()) if is_formula(word)]
    for formula in formulas:
        from formulaic import Formula  # where one is asked for: it is not light
        from formulaic.errors import FormulaicError

        try:
            Formula(formula.strip().removeprefix("~"))
        except FormulaicError as problem:
            said = str(problem).split("\n")[0]
            yield Slip(
                entry.paths["moderators"], formula, f"no formula ({said})", 'write it as "~ dose + year"'
            )


def _folder_slips(config: Raw) -> Iterator[Slip]:
    """Folders that Snakemake cannot take as they stand, and those that would be written over each other.

    What is written (`processed`, `results`) lies neither within a folder of evidence nor around one, seen
    through symbolic links, so that no run can change what trials printed.
    """
    keys = ("evidence", "processed", "results")  # none is written within or around one before it
    named = [(key, folder) for key in keys for folder in _listed(config.get(key, ()))]
    strange = [(key, folder) for key, folder in named if STRANGE.search(folder) or folder != folder.strip()]
    for key, folder in strange:
        problem = "not a folder's name: braces, stars, control characters and outer spaces are not taken"
        yield Slip((key,), folder, problem, "rename the folder")
    for (kind, other), (key, folder) in combinations(named, 2) if not strange else ():
        if kind == key:
            continue
        mine, theirs = Path(folder).resolve(), Path(other).resolve()
        if mine.is_relative_to(theirs) or theirs.is_relative_to(mine):
            where = "is" if mine == theirs else "lies within" if mine.is_relative_to(theirs) else "holds"
            problem = f"it {where} the {kind} folder {other}"
            yield Slip((key,), "", problem, "give it a folder of its own")


# one analysis with all its settings


def _resolved(slug: str, values: Raw, words: Vocabulary, catalogue: Catalogue) -> Analysis:
    """An analysis from all that was written of it and its defaults, its groups written out."""
    instruments = catalogue["instruments"]
    spec = {**values, "analysis": slug, "condition": _listed(values["condition"])}
    for side in SIDES:
        spec[side] = list(dict.fromkeys(code for word in values[side] for code in words.members(word)))
        spec[f"{side}_name"] = _side_name(values, side, words)
    spec["unit"] = _unit(values, instruments)
    spec["prior"] = _prior(values)
    spec |= {"design": None if values["design"] == "any" else values["design"], "illustrative": False}
    spec["better"] = values.get("better", "")
    if not MEASURES[values["measure"]].compares:
        spec |= _of_one_group(values)
    if spec["method"] in MODELS:
        spec |= {"tau2_method": MODELS[spec["method"]], "interval": "wald", "prior": None}
    own = {"between_groups": values["mcid"]} if "mcid" in values else values.get("thresholds", {})
    for name, key in (("mcid", "between_groups"), ("within_person", "within_person")):
        spec[name] = own[key] if key in own else _published(spec, instruments, within=name != "mcid")
    return cast(Analysis, {key: spec[key] for key in Analysis.__annotations__})


def _of_one_group(values: Raw) -> Raw:
    """What stands in place of defaults that are of two sides."""
    first = values["multi_arm"] == "first" or values["measure"] in CORRELATIONS
    several = "first" if first else "combine"
    method = values["method"] if values["measure"] in METHODS.get(values["method"], ()) else "iv"
    return {"multi_arm": several, "method": method, "control_name": ""}


def alone(measure: str, **values: Any) -> Analysis:
    """The settings of effects that stand in no review: the defaults of a protocol, but for `values`.

    >>> alone("MD", better="higher")["prior"]["unit"], alone("RR", tau2_method="DL")["interval"]
    ('sd', 'auto')
    """
    rules = shipped("config.schema")
    own: dict[str, Any] = {name: [] for name in ("condition", "outcomes", *SIDES)}
    own |= {"measure": measure, "better": "lower", "title": "", "domain": "", "assumptions": {}}
    own |= {f"{side}_name": side for side in SIDES}
    own["robustness"] = _defaults(rules["properties"]["robustness"])
    own = {**_defaults(rules["$defs"]["analysis"]), "shape": None, **own, **values}
    return _resolved(str(values.get("analysis", "")), own, general(), {"instruments": {}})


def _prior(values: Raw) -> Setting | None:
    """The first prior of τ for the measure and, where it names some, the domain."""
    asked = (prior for prior in values["priors"] if values["measure"] in prior["measure"])
    fits = (prior for prior in asked if values["domain"] in prior.get("domain", [values["domain"]]))
    found: Raw = next(fits, {})
    for table in TABLES:
        if table in found:
            return literature_prior(table, found[table])
    prior = {name: found[name] for name in ("scale", "source", "unit") if name in found}
    return cast(Setting, prior) if prior else None


def _unit(spec: Raw, instruments: Mapping[str, Raw]) -> str:
    """Unit of the analysis scale; empty for ratios and where the instruments' units differ."""
    if spec["measure"] == "SMD":
        return "standard deviations"
    if spec["measure"] not in IN_UNITS:
        return ""
    if spec["scale"]:
        return f"points on {spec['scale'].replace('-', '–')}"
    units = {(instruments.get(code) or {}).get("unit") for code in spec["outcomes"]} - {None}
    return str(units.pop()) if len(units) == 1 else ""


def _published(spec: Raw, instruments: Mapping[str, Raw], within: bool) -> Raw | None:
    """The MCID of the first allowed instrument that has one in points, rescaled like its values.

    Only mean differences have one: a standardised difference has no points to compare with. Between groups
    are those found so, and those of which the catalogue does not say how; all others `within` a person.
    """
    for code in spec["outcomes"] if spec["measure"] == "MD" else ():
        entry = instruments.get(code) or {}
        mcid, bounds = entry.get("mcid"), entry.get("range") or [None]
        if not mcid or mcid["unit"] != entry.get("unit") or (spec["scale"] and None in bounds):
            continue
        if (mcid.get("method", BETWEEN[0]) not in BETWEEN) is not within:
            continue
        factor = _width(spec["scale"]) / (bounds[1] - bounds[0]) if spec["scale"] else 1.0
        value = io.canonical_number(mcid["value"] * factor) or 0.0
        origin = {"kind": mcid.get("kind", ""), "source": mcid["source"], "instrument": code}
        return {"value": value, "unit": spec["unit"], **origin}
    return None


def _width(scale: str) -> float:
    """How wide a scale such as "0-10" is."""
    low, high = scale.rsplit("-", 1)
    return float(high) - float(low)


# the catalogue of instruments


def load_catalogue(path: str | Path, words: Vocabulary | None = None, *, checked: bool = False) -> Catalogue:
    """Read the catalogue of instruments.

    Domains and units are held to the `words`, where these are given. Raises InputError with every fault
    found, each naming the file, line, key, value and what to write. One that is `checked` already, as before
    any job runs, is only read.
    """
    if checked:
        return cast(Catalogue, read_sound(path))
    catalogue, lines = read_yaml(path)
    slips = list(schema_slips("instruments", catalogue))
    if isinstance(catalogue, Mapping):
        slips += _catalogue_slips(catalogue, slips, words)
    if slips:
        raise InputError(faults_of(slips, str(path), lines))
    return cast(Catalogue, catalogue)


def _catalogue_slips(catalogue: Raw, slips: Collection[Slip], words: Vocabulary | None) -> Iterator[Slip]:
    """What the schema, which found some `slips`, cannot say of a catalogue; entries with one are left out."""
    sound = _sound(catalogue, {slip.path for slip in slips})
    entries: Raw = sound.get("instruments") or {}
    unknown = [slip for code, entry in entries.items() for slip in _word_slips(code, entry, words)]
    yield from unknown
    sound = _sound(sound, {slip.path for slip in unknown})
    instruments: Raw = sound.get("instruments") or {}
    yield from group_slips(sound.get("groups") or {}, {})
    for code, entry in instruments.items():
        whole = instruments.get(code.partition(":")[0], {})
        yield from _part_slips(code, entry, instruments, catalogue["instruments"])
        yield from _bound_slips(("instruments", code), entry)
        yield from _mcid_slips(("instruments", code), entry, {**whole, **entry})


def _sound(value: Any, faulty: Container[tuple[str, ...]], path: tuple[str, ...] = ()) -> Any:
    """A value without the entries in which a slip was found, and without the items of such a list."""
    if isinstance(value, Mapping):
        inner = {(*path, str(key)): key for key in value}
        return {key: _sound(value[key], faulty, place) for place, key in inner.items() if place not in faulty}
    if isinstance(value, list):
        places = [(*path, str(index)) for index in range(len(value))]
        if any(place in faulty for place in places):
            return []
        return [_sound(item, faulty, place) for item, place in zip(value, places, strict=True)]
    return value


def _part_slips(code: str, entry: Raw, sound: Raw, known: Iterable[str]) -> Iterator[Slip]:
    whole, colon, _ = code.partition(":")
    if colon and whole not in known:
        near = nearest(whole, {other.partition(":")[0] for other in sound})
        remedy = f"add it, or write '{near}:…'" if near else "add it"
        yield Slip(("instruments", code), code, f"a part of {whole}, which is not in the catalogue", remedy)
    domains = sound.get(whole, {}).get("domains", []) if colon else []
    for index, domain in enumerate(entry.get("domains", [])):
        if domains and domain not in domains:
            path, remedy = ("instruments", code, "domains", str(index)), "add it there, or remove it here"
            yield Slip(path, domain, f"not a domain of {whole}", remedy)


def _word_slips(code: str, entry: Raw, words: Vocabulary | None) -> Iterator[Slip]:
    """Units that are not known, and domains that are slips of known ones: of others it may be silent."""
    if words is None:
        return
    known = words.table_words()
    means, units, unit = known["domain of means"], known["unit"], entry.get("unit") or ""
    for index, domain in enumerate(entry.get("domains", [])):
        slip = domain not in words.domains and means.slip_of(domain)
        if slip or (words.domain(domain).is_events and not entry.get("binary")):
            path = ("instruments", code, "domains", str(index))
            yield Slip(path, domain, "not a domain of means", suggestion(domain, means.words))
    if unit and units.refuses(unit):
        yield Slip(("instruments", code, "unit"), unit, "not a unit", suggestion(unit, units.words))


def _bound_slips(path: KeyPath, entry: Raw) -> Iterator[Slip]:
    for key in ("range", "normal"):
        low, high = entry.get(key) or (0, 1)
        value = yaml_text([low, high])
        if low is None and high is None:
            yield Slip((*path, key), value, "without any bound", "write null")
        elif None not in (low, high) and low >= high:
            remedy = "write the lower one first, a higher one behind it"
            yield Slip((*path, key), value, "not two numbers in ascending order", remedy)


def _mcid_slips(path: KeyPath, entry: Raw, whole: Raw) -> Iterator[Slip]:
    """A smallest difference that matters is smaller than the range, if it is in the unit of the values."""
    low, high = whole.get("range") or (None, None)
    if low is None or high is None or low >= high:
        return
    others = {f"mcid_others.{at}": mcid for at, mcid in enumerate(entry.get("mcid_others", []))}
    for at, mcid in {"mcid": entry.get("mcid") or {}, **others}.items():
        if mcid.get("unit") == whole.get("unit") and mcid.get("value", 0) >= high - low:
            problem = f"as large as the whole range, {yaml_text([low, high])}"
            remedy = "check the value, its unit and the range"
            yield Slip((*path, *at.split("."), "value"), str(mcid["value"]), problem, remedy)
