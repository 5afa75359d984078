"""The flat table: every pooled effect of every analysis, its columns explained."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from click.testing import CliRunner

from trialpool import io
from trialpool.cli import main
from trialpool.exchange.export import COLUMNS

ARMS = {"n_experimental": 30.0, "n_control": 28.0, "mean_experimental": 3.0, "sd_experimental": 1.0}
ARMS |= {"mean_control": 4.0, "sd_control": 2.0}
MD = {"effect": -1.0, "variance": 1 / 30 + 4 / 28, "measure": "MD"}
RR = {"measure": "RR", "n_experimental": 20.0, "n_control": 20.0, "events_experimental": 5.0}
RR |= {"events_control": 10.0, "effect": math.log(0.5), "variance": 1 / 5 - 1 / 20 + 1 / 10 - 1 / 20}


def results(folder: Path) -> Path:
    rows = {
        "pain": [{"label": "Lu 2020", **ARMS, **MD}, {"label": "Bao 2021", **ARMS, **MD, "variance": 0.9}],
        "response": [{"label": "Shin 2018", "cautions": "=HYPERLINK()", **RR}, {"label": "shown only"}],
        "nothing": [],
    }
    names = [source for _, source, _ in COLUMNS if source]
    for analysis, studies in rows.items():
        io.write_csv(
            folder / "analyses" / analysis / "studies.csv",
            [{"analysis": analysis, **row} for row in studies],
            names,
        )
    return folder


def test_every_pooled_effect_is_there_with_metafors_names(tmp_path: Path) -> None:
    out = tmp_path / "flat" / "effects.csv"
    result = CliRunner().invoke(
        main, ["export", "effects", str(results(tmp_path / "results")), "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert [row["slab"] for row in rows] == ["Lu 2020", "Bao 2021", "Shin 2018"]
    assert [row["revman_type"] for row in rows] == ["CONTINUOUS", "GIV", "DICHOTOMOUS"]
    assert float(rows[0]["yi"]) == -1.0
    assert math.isclose(float(rows[0]["sei"]) ** 2, float(rows[0]["vi"]), rel_tol=1e-9)
    assert (rows[2]["ai"], rows[2]["n1i"], rows[2]["ci"], rows[2]["n2i"]) == ("5", "20", "10", "20")
    assert rows[2]["cautions"] == "'=HYPERLINK()"


def test_each_column_is_explained(tmp_path: Path) -> None:
    out = tmp_path / "effects.csv"
    CliRunner().invoke(main, ["export", "effects", str(results(tmp_path / "results")), "--out", str(out)])
    notes = list(csv.DictReader((tmp_path / "effects.columns.csv").open(encoding="utf-8")))
    assert [note["column"] for note in notes] == out.read_text(encoding="utf-8").split("\n")[0].split(",")
    assert all(note["holds"] for note in notes)


def test_a_folder_without_analyses_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["export", "effects", str(tmp_path), "--out", str(tmp_path / "x.csv")])
    assert result.exit_code == 1
    assert "holds no analyses" in result.output
    assert not (tmp_path / "x.csv").exists()
