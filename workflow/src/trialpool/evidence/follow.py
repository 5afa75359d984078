"""The job that follows the trials from known to pooled."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from trialpool.evidence.flow import flow, write_flow
from trialpool.figures.flow import describe_flow, draw_flow
from trialpool.figures.save import save_figure


def follow(table_paths: Sequence[str], effect_paths: Sequence[str], slugs: Sequence[str], path: str) -> None:
    """Follow the trials from known to pooled: flow.csv and the figure beside it.

    `effect_paths` are the effects, excluded and known parquet files of the first batch, then of the next.
    """
    frames = [pd.concat([pd.read_parquet(file) for file in effect_paths[start::3]]) for start in range(3)]
    table = flow({Path(file).stem: pd.read_parquet(file) for file in table_paths}, *frames, list(slugs))
    write_flow(table, path)
    rows = table.to_dict("records")
    save_figure(draw_flow(rows), Path(path).with_suffix(""), description=describe_flow(rows))
