"""Trialpool: from what published trials report to pooled effects a reviewer can trace to their source.

The rooms load when they are first asked for (PEP 562): `import trialpool` costs nothing, `trialpool.stats`
only numpy and scipy.

>>> import trialpool as tp
>>> round(float(tp.stats.pool([-0.9, -0.4, -0.7], [0.05, 0.04, 0.06]).estimate), 2)
-0.65
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# of the library, and where each is defined: that of figures loads matplotlib
FUNCTIONS = {
    "component_network": "api",
    "effects": "api",
    "forests": "api.drawings",
    "network": "api",
    "pool": "api",
}
FUNCTIONS |= {"turner_prior": "priors", "rhodes_prior": "priors"}
ROOMS = ("errors", "evidence", "exchange", "figures", "measures", "records", "stats", "synthesis", "view")
__all__ = [*FUNCTIONS, *ROOMS]


def __getattr__(name: str) -> Any:
    """A public room or function of the package, or `__version__`, that of the installed distribution."""
    if name in FUNCTIONS:
        return getattr(import_module(f"{__name__}.{FUNCTIONS[name]}"), name)
    if name in ROOMS:
        return import_module(f"{__name__}.{name}")
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version  # dear, and seldom asked for

        try:
            return version("trialpool")
        except PackageNotFoundError:
            return "unknown: trialpool is not installed"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, "__version__"])
