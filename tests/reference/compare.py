"""Compare freshly computed reference numbers with the committed ones: compare.py FRESH COMMITTED.

R on another processor or with another BLAS differs in the last bits, and solving for a root or a maximum
magnifies them; nothing honest differs by more than RELATIVE.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RELATIVE = 1e-8
ABSOLUTE = 1e-14  # below it every number stored is rounding noise around an exact zero
MOST_SHOWN = 20


def differences(fresh: Any, committed: Any, place: str = "") -> Iterator[str]:
    """One line for each number, text or key that differs."""
    if isinstance(fresh, dict) and isinstance(committed, dict):
        for key in [*fresh, *(key for key in committed if key not in fresh)]:
            if key not in fresh or key not in committed:
                yield f"{place}/{key}: only {'committed' if key in committed else 'fresh'}"
            else:
                yield from differences(fresh[key], committed[key], f"{place}/{key}")
    elif isinstance(fresh, list) and isinstance(committed, list) and len(fresh) == len(committed):
        for index, (new, old) in enumerate(zip(fresh, committed, strict=True)):
            yield from differences(new, old, f"{place}/{index}")
    elif not same(fresh, committed):
        yield f"{place}: fresh {fresh!r}, committed {committed!r}"


def same(fresh: Any, committed: Any) -> bool:
    """Numbers within the tolerance, everything else exactly."""
    numbers = [isinstance(x, int | float) and not isinstance(x, bool) for x in (fresh, committed)]
    if not all(numbers):
        return bool(fresh == committed)
    return bool(abs(fresh - committed) <= ABSOLUTE + RELATIVE * max(abs(fresh), abs(committed)))


def main(fresh: Path, committed: Path) -> int:
    """Print what differs; 1 if anything does."""
    lines: list[str] = []
    for path in sorted(fresh.glob("*.json")):
        new, old = (json.loads((folder / path.name).read_text()) for folder in (fresh, committed))
        versions = [record.pop("versions") for record in (new, old)]
        if versions[0] != versions[1]:
            print(f"{path.name}: now with {versions[0]}, committed with {versions[1]}")
        lines += [f"{path.name}{line}" for line in differences(new, old)]
    for line in lines[:MOST_SHOWN]:
        print(line)
    print(f"reference numbers: {len(lines)} differ by more than {RELATIVE:g} relative")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
