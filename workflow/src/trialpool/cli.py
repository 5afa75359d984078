"""The command line `trialpool`: check tables, bring other formats in, take effects out, compare results.

Imports wait until a command needs them, so that `trialpool --help` answers at once.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from trialpool.errors import Fault, InputError

PATH = click.Path(path_type=str)
FILL = "Put a value into every empty cell of a column (or of TABLE.COLUMN). May be repeated."


def plainly(command: Callable[..., None]) -> Callable[..., None]:
    """Turn every failure of a command into a message and an exit code (1: input, 2: trialpool itself)."""

    @functools.wraps(command)
    def wrapped(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except InputError as error:
            report(error.faults)
            sys.exit(1)
        except OSError as error:
            click.echo(f"{error.filename or 'a file'}: {error.strerror or error}", err=True)
            sys.exit(1)
        except click.ClickException:
            raise
        except ImportError as error:
            click.echo(f"this command needs more ({error}): pip install 'trialpool[workflow]'", err=True)
            sys.exit(1)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            click.echo(f"trialpool itself failed ({what}); please report it", err=True)
            sys.exit(2)

    return wrapped


def report(faults: Sequence[Fault]) -> None:
    """Print faults, one a line, and their number on standard error."""
    for fault in faults:
        click.echo(str(fault))
    click.echo(f"{len(faults)} fault{'' if len(faults) == 1 else 's'} found.", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trialpool")
def main() -> None:
    """Pool what published trials report; every number traceable to the page it was printed on.

    The analyses themselves run with `make results` or `snakemake --cores 2`.
    """


@main.command()
@click.argument("sources", nargs=-1, required=True, type=PATH, metavar="CONFIG | FOLDER...")
@click.option(
    "--allow",
    multiple=True,
    metavar="COLUMN=WORD",
    help="Accept a further word in a column, such as condition=MIGRAINE. May be repeated.",
)
@click.option(
    "--instruments",
    type=PATH,
    metavar="FILE",
    help="Also check this catalogue (config/instruments.yaml), and name the instruments that it lacks.",
)
@click.option("--vocabulary", type=PATH, metavar="FILE", help="The words of the review (its vocabulary).")
@plainly
def check(
    sources: tuple[str, ...], allow: tuple[str, ...], instruments: str | None, vocabulary: str | None
) -> None:
    """Validate a configuration with all its files and tables, or the evidence tables in FOLDERs alone.

    Runs nothing and writes nothing. Prints each fault on a line of its own (file, row, column, value, what
    to do) and exits with 1, or a count of what there is and exits with 0. Several folders are checked as one
    body of evidence.
    """
    if len(sources) == 1 and sources[0].endswith((".yaml", ".yml")):
        from trialpool.jobs import check_review

        for name, count in check_review(sources[0]).items():
            click.echo(f"{count:>7}  {name}")
        click.echo("No faults found.")
        return
    from trialpool.evidence.read import examine
    from trialpool.evidence.validate import unknown_instruments
    from trialpool.protocol import load_catalogue
    from trialpool.vocabulary import load_vocabulary

    words = load_vocabulary(vocabulary)
    tables, faults = examine(sources, words, _extra_words(allow))
    try:
        if instruments:
            faults = [
                *faults,
                *unknown_instruments(tables, load_catalogue(instruments, words), words.events()),
            ]
    except InputError as error:
        faults = [*faults, *error.faults]
    if faults:
        report(faults)
        sys.exit(1)
    for name, frame in tables.items():
        click.echo(f"{len(frame):>7}  {name}")
    click.echo("No faults found.")


def _extra_words(allow: Sequence[str]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for entry in allow:
        column, sign, word = entry.partition("=")
        if not (column and sign and word):
            raise click.BadParameter(f"{entry!r} is not COLUMN=WORD", param_hint="--allow")
        words.setdefault(column, []).append(word)
    return words


@main.command()
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@click.option("--details", is_flag=True, help="Also print every row, number and picture that differs.")
@click.option("--csv", "table", type=PATH, metavar="FILE", help="Write the changes as CSV.")
@click.option(
    "--pictures", type=PATH, metavar="FOLDER", help="Write each differing PNG there: old, new, difference."
)
@plainly
def diff(old: str, new: str, details: bool, table: str | None, pictures: str | None) -> None:
    """Say what changed between two results folders or git revisions, OLD and NEW, such as HEAD and results.

    Trials in and out, estimates, verdicts and certainty in words. Exits with 0 if every file is the same to
    the byte, with 1 if not.
    """
    from trialpool import io
    from trialpool.provenance.diff import Change, changes, differences, read_results, summary, write_pictures
    from trialpool.records import columns_of, to_json

    before, after = read_results(old), read_results(new)
    found, rows = differences(before, after), changes(before, after)
    for row in rows:
        click.echo(row.words)
    for difference in found if details else ():
        click.echo(str(difference))
    if table:
        io.write_csv(table, to_json(rows), columns_of(Change))
    for path in write_pictures(before, after, pictures) if pictures else ():
        click.echo(f"{path}: old, new and difference side by side")
    if words := summary(rows):
        click.echo(words)
    files = len({difference.file for difference in found})
    click.echo(f"{files} file{' differs' if files == 1 else 's differ'}." if files else "No difference.")
    sys.exit(1 if found else 0)


@main.group(name="import")
def import_group() -> None:
    """Bring other formats in, as candidate rows for a person to check.

    Rows go to a new folder, never among checked evidence. What the source does not say stays empty;
    `trialpool check` names what is left to fill in.
    """


def importer(command: Callable[..., None]) -> click.Command:
    """A command that brings in a FILE, with the folder and the values for its candidate rows."""
    command = click.option("--fill", multiple=True, metavar="COLUMN=VALUE", help=FILL)(plainly(command))
    out = click.option("--out", required=True, type=PATH, metavar="FOLDER", help="A new folder for the rows.")
    return import_group.command()(click.argument("file", type=PATH)(out(command)))


@importer
@click.option("--source-url", default="", metavar="URL", help="Where the review can be read.")
def revman(file: str, out: str, fill: tuple[str, ...], source_url: str) -> None:
    """Import a RevMan 5 review (.rm5).

    revman_totals.csv in the new folder sets RevMan's stored totals beside totals pooled from its data.
    """
    from trialpool.exchange.revman import import_revman

    _write(import_revman(file, source_url), out, fill)


@importer
def workbook(file: str, out: str, fill: tuple[str, ...]) -> None:
    """Import an Excel workbook (.xlsx) with a sheet for each table, named and headed as in the codebook."""
    from trialpool.exchange.workbook import import_workbook

    _write(import_workbook(file), out, fill)


@importer
def registry(file: str, out: str, fill: tuple[str, ...]) -> None:
    """Import a ClinicalTrials.gov record with posted results (API v2 JSON)."""
    from trialpool.exchange.registry import import_registry

    _write(import_registry(file), out, fill)


def _write(candidates: Any, out: str, fill: Sequence[str]) -> None:
    """Write candidate rows and say what a person has to do next."""
    from collections import Counter

    from trialpool.evidence.read import examine
    from trialpool.exchange.candidates import parse_fill, write_candidates

    write_candidates(candidates, out, parse_fill(fill))
    tables, faults = examine(out)
    for name, frame in tables.items():
        click.echo(f"{len(frame):>7}  {name}")
    for remark in candidates.remarks:
        click.echo(f"Note: {remark}")
    for (file, column), number in Counter((fault.file, fault.column) for fault in faults).items():
        click.echo(f"To fill in or check: {file}, {column or 'whole rows'} ({number})")
    click.echo(f"Written to {out}. Check every row against its source, then run: trialpool check {out}")


@main.group()
def export() -> None:
    """Take results out, for other programs."""


@export.command()
@click.argument("results", type=PATH)
@click.option("--out", required=True, type=PATH, metavar="FILE", help="The CSV file to write.")
@plainly
def effects(results: str, out: str) -> None:
    """Write the effects of all analyses in RESULTS as one flat table for R's metafor or RevMan.

    A second file, NAME.columns.csv, says what each column holds.
    """
    from trialpool.exchange.export import export_effects

    click.echo(f"{export_effects(results, out)} effects written to {out}")
