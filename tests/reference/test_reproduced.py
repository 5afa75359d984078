"""The scripts that compute pooled results again: what R gave for them, and that they run as they stand.

`reproduced.csv` holds what R gave for the shipped review (`make reproduce`): comparing with it needs no R.
"""

from __future__ import annotations

import contextlib
import io as text_io
import math
import os
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import trialpool as tp
from trialpool import contracts, io, protocol
from trialpool.exchange.metafor import ask_r
from trialpool.records import (
    Effect,
    Pooled,
    Record,
    SmallStudy,
    Status,
    columns_of,
    from_json,
    sketch,
    to_json,
)
from trialpool.synthesis.analyse import pooled_record
from trialpool.view.read import read_csv, read_reproduced
from trialpool.view.reproduce import SCRIPT, checked, checked_of, script_of

HERE = Path(__file__).parent
RESULTS = Path(os.environ.get("TRIALPOOL_RESULTS", HERE.parents[1] / "results"))
REPRODUCED = HERE / "reproduced.csv"
SAME = 1e-8  # relative: ten digits are written on either side, of effects near none fewer say something


@cache
def has_r() -> bool:
    """Whether R with the packages that the scripts ask is here."""
    if shutil.which("Rscript") is None:
        return False
    asked = 'for (p in c("metafor", "clubSandwich")) loadNamespace(p)'
    return subprocess.run(["Rscript", "-e", asked], capture_output=True, check=False).returncode == 0


def needs_r() -> None:
    if not has_r():
        pytest.skip("R with metafor and clubSandwich is not on this machine")


@cache
def shipped() -> list[Record]:
    """The records of the shipped review, those that pool."""
    files = sorted(RESULTS.glob("analyses/*/result.json"))
    if not files:
        pytest.skip("results/ has not been built (make results)")
    records = [from_json(Record, io.read_json(file)) for file in files]
    return [record for record in records if record.status is Status.POOLED]


def test_r_gave_every_pooled_number_of_the_shipped_review():
    checks = checked_of(shipped(), read_reproduced(REPRODUCED))
    assert [*checks] == [record.analysis for record in shipped()]
    assert {name: each for name, each in checks.items() if not each.largest < SAME} == {}


def test_the_scripts_stand_beside_the_shipped_results():
    for record in shipped():
        written = (RESULTS / "analyses" / record.analysis / SCRIPT).read_text(encoding="utf-8")
        assert written == script_of(record)


@pytest.mark.slow
def test_r_gives_the_same_again(tmp_path):
    needs_r()
    shipped()
    count, problems = ask_r(RESULTS, tmp_path / "again.csv")
    again, before = (read_csv(file, contracts.REPRODUCED) for file in (tmp_path / "again.csv", REPRODUCED))
    assert (count, problems) == (len(shipped()), [])
    keys = ("analysis", "quantity", "script")
    assert [[row[key] for key in keys] for row in again] == [[row[key] for key in keys] for row in before]
    for new, old in zip(again, before, strict=True):
        assert math.isclose(new["value"], old["value"], rel_tol=SAME, abs_tol=1e-12), (new, old)


def run(script: str) -> dict[str, Any]:
    """What a script in Python leaves behind."""
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(text_io.StringIO()):
        exec(compile(script, "script", "exec"), names)
    return names


def differing(record: Record) -> dict[str, Any]:
    """The numbers of a record that its script in Python does not give again."""
    row, found = run(script_of(record, "python"))["fit"].summary().iloc[0], {}
    for name in columns_of(Pooled):
        ours = getattr(record.pooled, name)
        if isinstance(ours, float) and not math.isclose(row[name], ours, rel_tol=1e-7, abs_tol=1e-9):
            found[name] = (row[name], ours)
    return found


def test_the_scripts_in_python_give_the_numbers_of_the_shipped_review():
    wrong = {record.analysis: differing(record) for record in shipped()}
    assert {name: each for name, each in wrong.items() if each} == {}


LABELS = ['O\'Brien "x" 2001', "Ünal | 2\\3", "# c", "d e", "f", "g", "h"]
EVENTS = ([3, 0, 12, 7, 9, 20, 4], [8, 4, 20, 9, 0, 30, 9])
PEOPLE = ([40, 35, 120, 60, 90, 150, 45], [42, 33, 118, 64, 91, 140, 50])
TIMES = ([100, 90, 400, 200, 300, 500, 120.5], [99, 88, 390, 210, 310, 480, 130])
MEANS = ([5.1, 4.2, 6.3, 5.5, 4.9, 5.2, 3.9], [6, 5.5, 6.1, 6.7, 6.2, 5.4, 5.8])
SDS = ([2.1, 1.8, 2.5, 2, 2.2, 1.9, 2.4], [2, 2.2, 2.4, 2.1, 2.5, 2, 1.7])
PRINTED = {"effect": [-0.3, 0.1, -0.5, -0.9, -0.2, 0.4, -0.6], "se": [0.2, 0.15, 0.3, 0.25, 0.1, 0.4, 0.33]}
OF_EVENTS = {"events": EVENTS, "n": PEOPLE, "label": LABELS}
OF_MEANS = {"means": MEANS, "sds": SDS, "n": PEOPLE, "label": LABELS}
OF_TIMES = {"events": EVENTS, "time": TIMES, "label": LABELS}
COUNTED = {"mh": ("RR", "OR", "RD"), "peto": ("OR",)}


def fits() -> dict[str, Any]:
    """Every kind of fit that metafor has, by a name."""
    estimators = ("REML", "DL", "HE", "HS", "SJ", "ML", "EB", "PM", "FE")
    made = {
        f"RR-{name}": tp.pool(tp.effects(measure="RR", **OF_EVENTS), tau2_method=name) for name in estimators
    }
    for interval in ("wald", "hksj", "hksj_adhoc", "bayes"):
        for measure in ("MD", "SMD", "ROM", "CVR"):
            kind = {"interval": interval, "level": 0.9, "prediction_df": "k-2"}
            made[f"{measure}-{interval}"] = tp.pool(tp.effects(measure=measure, **OF_MEANS), **kind)
    made["VR"] = tp.pool(tp.effects(measure="VR", sds=SDS, n=PEOPLE, label=LABELS))
    made["SMDH"] = tp.pool(tp.effects(measure="SMD", smd_variance="unequal", **OF_MEANS))
    for measure in ("OR", "RD"):
        made[measure] = tp.pool(tp.effects(measure=measure, **OF_EVENTS))
    for measure in ("IRR", "IRD"):
        made[measure] = tp.pool(tp.effects(measure=measure, **OF_TIMES))
        made[f"mh-{measure}"] = tp.pool(tp.effects(measure=measure, **OF_TIMES), method="mh")
    for measure in ("HR", "GIV"):
        made[measure] = tp.pool(tp.effects(measure=measure, label=LABELS, **PRINTED))
    for measure in ("PR", "PLN", "PLO", "PAS"):
        made[measure] = tp.pool(tp.effects(measure=measure, events=EVENTS[0], n=PEOPLE[0], label=LABELS))
    made["IRS"] = tp.pool(tp.effects(measure="IRS", events=EVENTS[0], time=TIMES[0], label=LABELS))
    made["ZCOR"] = tp.pool(tp.effects(measure="ZCOR", r=[0.1, 0.3, 0.5, 0.2, -0.1, 0.4, 0.3], n=PEOPLE[0]))
    for method, measures in COUNTED.items():
        for measure in measures:
            made[f"{method}-{measure}"] = tp.pool(tp.effects(measure=measure, **OF_EVENTS), method=method)
    large = {"effect": [-1200, 400, 300, 20, 100], "se": [300, 200, 500, 120, 400]}
    made["large"] = tp.pool(tp.effects(measure="MD", **large), prior=500.0)
    small = {"effect": [-0.0012, 0.0004, 0.0003], "se": [0.0003, 0.0002, 0.0005]}
    made["small"] = tp.pool(tp.effects(measure="MD", **small), prior=0.0005)
    return made


def nested(**choice: str) -> Record:
    """A record of several effects a trial, by the three-level model."""
    spec = protocol.alone("SMD", better="lower", **choice)
    effects, variances = [-0.3, -0.5, 0.1, 0.2, -0.1, -0.8, -0.4, -0.2, -0.6], [4, 5, 3, 6, 5, 8, 4, 7, 5]
    numbers = zip("AABBBCDEE", effects, variances, strict=True)
    rows = [
        sketch(
            Effect,
            **{"study_id": name, "label": "Lu 2020", "arm_control": "c", "instrument": str(at)},
            **{"measure": "SMD", "effect": effect, "variance": variance / 100, "selected": True},
        )
        for at, (name, effect, variance) in enumerate(numbers)
    ]
    return pooled_record(spec, rows)


@cache
def records() -> dict[str, Record]:
    """The same as records as they are written, and some of several effects a trial."""
    made = {name: fit.record() for name, fit in fits().items()}
    made |= {"levels": nested(several_effects="multilevel"), "shared": nested(multi_arm="covariance")}
    made = {name: replace(record, small_study=sketch(SmallStudy)) for name, record in made.items()}
    return {name: from_json(Record, io.canonical(to_json(record))) for name, record in made.items()}


@pytest.mark.slow
def test_metafor_gives_the_numbers_of_every_kind_of_fit(tmp_path):
    needs_r()
    kinds = records()
    for name, record in kinds.items():
        io.write_json(tmp_path / "analyses" / name / "result.json", to_json(record))
        io.write_text(tmp_path / "analyses" / name / SCRIPT, script_of(record))
    count, problems = ask_r(tmp_path, tmp_path / "said.csv")
    assert (count, problems) == (len(kinds), [])
    rows = read_reproduced(tmp_path / "said.csv")
    for name, record in kinds.items():
        found = checked(record, [row for row in rows if row["analysis"] == name])
        assert found is not None, name
        assert found.agrees, (name, found)
        assert found.largest < (1e-6 if name in ("levels", "shared") else SAME), (name, found)


@pytest.mark.parametrize(
    "name", ["RR-REML", "RR-FE", "SMD-hksj", "ROM-bayes", "SMDH", "IRR", "HR", "PLO", "mh-RD", "peto-OR"]
)
def test_the_script_of_a_fit_in_python_gives_it_again(name):
    assert differing(records()[name]) == {}


def test_the_script_in_python_of_several_effects_a_trial_gives_the_three_level_model():
    record = nested(several_effects="multilevel")
    said = script_of(record, "python").rpartition("print(")[2].removesuffix(")\n")
    names = run(script_of(record, "python"))
    again = eval(said, names)
    assert math.isclose(again.analysis_scale.estimate, record.pooled.estimate, rel_tol=1e-9)
    assert math.isclose(again.analysis_scale.robust_ci_low, record.pooled.ci_low, rel_tol=1e-9)


@pytest.mark.parametrize("settings", [{"method": "penalised"}, {"method": "glmm", "glmm_model": "UM.RS"}])
def test_of_what_metafor_has_not_there_is_no_script_in_r(settings):
    fit = tp.pool(tp.effects(measure="OR", **OF_EVENTS), **settings)
    with pytest.raises(ValueError, match="metafor has no method"):
        fit.reproduce()
    assert differing(fit.record()) == {}
