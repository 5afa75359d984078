"""The command line `trialpool`: pool a table, begin, check and run a review, bring in, take out, compare.

Imports wait until a command needs them, so that `trialpool --help` answers at once.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import functools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from trialpool.errors import Fault, InputError, told
from trialpool.measures import EVERY_TAU2, MEASURES
from trialpool.text import count, in_ascii

PATH = click.Path(path_type=str)
ROLE = "Say which column is what, such as n_1=treated (1: experimental, 2: control). May be repeated."
INTERVALS = ("auto", "wald", "hksj", "hksj_adhoc", "bayes")
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
        except BrokenPipeError:
            raise  # whoever reads has enough: click ends without a word
        except OSError as error:
            echo(f"{error.filename or 'a file'}: {in_words(error)}", err=True)
            sys.exit(1)
        except click.ClickException:
            raise
        except ImportError as error:
            echo(f"this command needs more ({error}): pip install 'trialpool[workflow]'", err=True)
            sys.exit(1)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            echo(f"trialpool itself failed ({what}); please report it", err=True)
            sys.exit(2)

    return wrapped


IN_THE_WAY = {
    errno.ENOENT: "there is no such file or folder",
    errno.ENOTDIR: "a file lies where a folder is wanted",
    errno.EEXIST: "something lies there already",
    errno.EISDIR: "it is a folder, where a file is wanted",
    errno.EACCES: "permission is missing",
    errno.EPERM: "permission is missing",
    errno.EROFS: "nothing can be written there",
    errno.ENOSPC: "the disk is full",
}


def in_words(error: OSError) -> str:
    """What the system refused, in words."""
    return IN_THE_WAY.get(error.errno or 0, "") or str(error.strerror or error)


def report(faults: Sequence[Fault]) -> None:
    """Print faults, those alike in a column on one line, and their number on standard error."""
    for line in told(faults):
        echo(line)
    echo(f"{len(faults)} fault{'' if len(faults) == 1 else 's'} found.", err=True)


def echo(line: str, *, err: bool = False) -> None:
    """Print a line; click by itself would send UTF-8 to a terminal that says that it knows only ASCII."""
    click.echo(line, file=sys.stderr if err else sys.stdout)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Of characters that a terminal cannot print, others; and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end


class Commands(click.Group):
    """Commands that print on any terminal: what it has no character for is written in others."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        """As click's."""
        codecs.register_error("trialpool", _in_ascii)
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="trialpool")
        return super().main(*arguments, **options)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trialpool")
def main() -> None:
    """Pool what published trials report; every number traceable to the page it was printed on.

    One table: `trialpool pool TABLE`. A review: `trialpool init FOLDER --from TABLE`, then `trialpool run`.
    """


def two_words(context: Any, option: Any, value: str | None) -> tuple[str, str] | None:
    """The two halves of "LEFT|RIGHT"."""
    if value is None:
        return None
    left, sign, right = map(str.strip, value.partition("|"))
    if not (left and sign and right) or "|" in right:
        raise click.BadParameter(f"{value!r} is not 'LEFT|RIGHT'")
    return left, right


class Level(click.FloatRange):
    """A confidence level as a share."""

    name = "number"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """As click's, in words."""
        with contextlib.suppress(ValueError, TypeError):
            level = float(value)
            if not 0.5 < level < 1:
                share = f"; {level:g}% is {level / 100:g}" if 50 < level < 100 else ""
                self.fail(f"{value} is not a share between 0.5 and 1, such as 0.95{share}", param, ctx)
        return super().convert(value, param, ctx)


def said_of_roles(context: Any, option: Any, values: Sequence[str]) -> dict[str, str]:
    """ROLE=NAME entries as a mapping."""
    pairs = [value.partition("=") for value in values]
    for pair in pairs:
        if not all(pair):
            raise click.BadParameter(f"{''.join(pair)!r} is not ROLE=NAME")
    return {role.strip(): name.strip() for role, _, name in pairs}


def of_a_table(command: Callable[..., None]) -> click.Command:
    """A command with the options that say how a table of trials is read."""
    codes = click.Choice(list(MEASURES), case_sensitive=False)
    for option in (
        click.option("--sheet", metavar="NAME", help="The sheet of a workbook; its first if absent."),
        click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Take only rows that hold this."),
        click.option(
            "--column", "columns", multiple=True, callback=said_of_roles, metavar="ROLE=NAME", help=ROLE
        ),
        click.option("--title", metavar="TEXT", help="The title; the name of the file if absent."),
        click.option("--names", callback=two_words, metavar="'A|B'", help="What the two arms are called."),
        click.option("--labels", metavar="COLUMN", help="The column that names the trials."),
        click.option(
            "--measure", type=codes, help="The effect measure; RR of events, MD of means if absent."
        ),
    ):
        command = option(command)
    return main.command()(command)


def asked_of(options: dict[str, Any]) -> Any:
    """Options as what is asked of a table, those that are absent by default."""
    from trialpool.one_table.answer import Asked

    return Asked(**{name: value for name, value in options.items() if value is not None})


@of_a_table
@click.argument("table", type=PATH)
@click.option(
    "--out", type=PATH, metavar="FOLDER", help="Write figures, studies.csv and a page to a new folder."
)
@click.option("--replace", is_flag=True, help="Put the answer in the place of an earlier one in the folder.")
@click.option("--by", metavar="COLUMN", help="Pool the groups of this column by themselves, too.")
@click.option("--moderators", metavar="FORMULA", help="Meta-regression on columns, such as 'dose + year'.")
@click.option(
    "--favours", callback=two_words, metavar="'LEFT|RIGHT'", help="Words left and right of no effect."
)
@click.option("--sort", metavar="ORDER", help="Order of trials: year, effect, weight …, or a column.")
@click.option("--style", metavar="NAME", help="Forest plot as of revman, cochrane, jama, bmj, iqwig; plain.")
@click.option("--forest", type=PATH, metavar="FILE", help="A YAML file with more on the forest plot.")
@click.option("--tau2-method", type=click.Choice(EVERY_TAU2, case_sensitive=False), help="REML if absent.")
@click.option(
    "--interval", type=click.Choice(INTERVALS), help="auto: HKSJ of five trials or more, else Bayes."
)
@click.option("--level", type=Level(0.5, 1, min_open=True, max_open=True), help="0.95 if absent.")
@plainly
def pool(table: str, out: str | None, replace: bool, **options: Any) -> None:
    """Pool the trials in TABLE (CSV, TSV, Excel or parquet), a row each, and say what was taken for granted.

    Columns may be called as in metafor, meta, RevMan, JASP or in plain words: tpos tneg cpos cneg; ai n1i ci
    n2i; m1i sd1i n1i …; yi vi; event.e n.e …; events_e n_e …; estimate lower upper. Writes nothing unless
    --out names a folder, which then holds forest.svg, studies.csv, index.html and, of ten trials or more,
    funnel.svg.
    """
    from trialpool.one_table.answer import answer

    shape = [f"--{name}" for name in ("sort", "style", "forest") if options[name]]
    if shape and not out:
        raise click.UsageError(f"{', '.join(shape)}: of the forest plot, which is written with --out FOLDER")
    found, written = answer(table, asked_of(options)), []
    if out:
        from trialpool.one_table.page import write

        written = write(found, out, replace=replace)
    for line in found.lines():
        echo(line)
    if out:
        echo(f"\nWritten to {out}: {', '.join(written)}")


@of_a_table
@click.argument("folder", type=PATH)
@click.option("--from", "table", type=PATH, metavar="TABLE", help="Begin with the trials of this table.")
@plainly
def init(folder: str, table: str | None, **options: Any) -> None:
    """Begin a review in FOLDER, which runs as it stands: config, vocabulary, instruments, the seven tables.

    With --from the tables hold the trials of TABLE, each number with the row that it came from; else one
    made-up trial. What says "to fill in" is a stand-in. No file is ever overwritten.
    """
    from trialpool.one_table.start import begin, next_steps, write

    begun = begin(table, asked_of(options))
    write(begun, folder)
    for line in next_steps(begun, folder):
        echo(line)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("config", type=PATH)
@click.option("--cores", default=min(os.cpu_count() or 1, 4), type=click.IntRange(1), show_default=True)
@click.argument("snakemake", nargs=-1, type=click.UNPROCESSED)
@plainly
def run(config: str, cores: int, snakemake: tuple[str, ...]) -> None:
    """Run the review in CONFIG with Snakemake; further options go to Snakemake.

    Starts in the folder of CONFIG, or in that above it where its files lie, as `check` does. Ends with what
    came of it and where to read it. Exits with Snakemake's code.
    """
    from importlib.util import find_spec

    from trialpool.jobs import read_review
    from trialpool.planning import snakemake_command
    from trialpool.protocol import folder_of_paths

    file = Path(config)
    if not file.is_file():
        remedy = "name the config of a review; trialpool init begins one"
        raise InputError([Fault(config, None, "", "", "the file does not exist", remedy)])
    if find_spec("snakemake") is None:
        raise click.ClickException("the workflow is not installed: pip install 'trialpool[workflow]'")
    folder = folder_of_paths(file)
    name = os.path.relpath(file, folder)
    loud = any(word.startswith(("-q", "--quiet", "--verbose", "-n", "--dry")) for word in snakemake)
    if not loud:  # in which Snakemake would keep a fault to itself
        with contextlib.chdir(folder):
            read_review(name)
        place = f"{os.path.relpath(folder)}, on {cores} {'core' if cores == 1 else 'cores'}"
        echo(f"Running {name} in {place} …", err=True)
    command = snakemake_command(name, cores, *snakemake, *(() if loud else ("--quiet", "all")))
    process = subprocess.Popen(command, cwd=folder)
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            continue  # Snakemake got it too, and ends by itself


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
@click.option("--details", is_flag=True, help="List every finding of the audit, not only the grave ones.")
@plainly
def check(
    sources: tuple[str, ...],
    allow: tuple[str, ...],
    instruments: str | None,
    vocabulary: str | None,
    details: bool,
) -> None:
    """Validate a configuration with all its files and tables, or the evidence tables in FOLDERs alone.

    Runs nothing and writes nothing. Prints each fault on a line of its own (file, row, column, value, what
    to do; one in many cells of a column once) and exits with 1, or a count of what there is and what the
    audit would look at, and exits with 0. Several folders are checked as one body of evidence. Paths in a
    configuration count from here, or from the folder above it in which more of its files lie.
    """
    from trialpool.jobs import check_tables, look_over
    from trialpool.protocol import folder_of_paths
    from trialpool.run_notes import look_at

    unchecked = ""
    inside = os.path.join(sources[0], "config.yaml")  # of a review's folder, whose tables lie in another
    if len(sources) == 1 and os.path.exists(inside) and not os.path.exists(f"{sources[0]}/studies.csv"):
        sources = (inside,)
    if len(sources) == 1 and sources[0].endswith((".yaml", ".yml")):
        folder = folder_of_paths(sources[0])
        config = os.path.relpath(sources[0], folder)
        with contextlib.chdir(folder):
            found = look_over(config)
    else:
        found = check_tables(sources, vocabulary, instruments, _extra_words(allow))
        if not instruments:
            unchecked = " Instruments were not checked: name the configuration, or --instruments FILE."
    for name, number in found.counts.items():
        echo(f"{number:>7}  {name}")
    echo(f"No faults found.{unchecked}")
    for place in found.to_fill_in:
        echo(f"To fill in: {place}")
    for line in look_at(found.findings, details):
        echo(line)


def _extra_words(allow: Sequence[str]) -> dict[str, list[str]]:
    words: dict[str, list[str]] = {}
    for entry in allow:
        column, sign, word = entry.partition("=")
        if not (column and sign and word):
            raise click.BadParameter(f"{entry!r} is not COLUMN=WORD", param_hint="--allow")
        words.setdefault(column, []).append(word)
    return words


@main.command()
@click.argument("source", type=PATH, metavar="CONFIG | FOLDER")
@click.option("--out", type=PATH, metavar="FOLDER", help="A new folder; beside the source if absent.")
@plainly
def migrate(source: str, out: str | None) -> None:
    """Bring a configuration with its files and tables, or a FOLDER of tables, to today's form.

    Writes a new folder, never over what there is. MIGRATION.md in it, and what is printed, say every change
    and what is left to you. The result is checked.
    """
    from trialpool.exchange.migrate import migrate as moved
    from trialpool.exchange.migrate import write_migration
    from trialpool.jobs import check_review, check_tables

    done = moved(source)
    if not done.files:
        echo(f"{source} is of today's form already: nothing to move, nothing was written.")
        return
    folder = out or os.path.join(os.path.dirname(source.rstrip("/")), f"{_stem(source)}-migrated")
    write_migration(done, source, folder)
    for line in done.changed:
        echo(f"Changed: {line}")
    for line in done.open:
        echo(f"Left to you: {line}")
    echo(f"Written to {folder}.")
    if "config.yaml" in done.files:
        with contextlib.chdir(folder):
            check_review("config.yaml")
    else:
        check_tables([folder])
    echo("No faults found.")


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path.rstrip("/")))[0]


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
        echo(row.words)
    for difference in found if details else ():
        echo(str(difference))
    if table:
        io.write_csv(table, to_json(rows), columns_of(Change))
    for path in write_pictures(before, after, pictures) if pictures else ():
        echo(f"{path}: old, new and difference side by side")
    if words := summary(rows):
        echo(words)
    files = len({difference.file for difference in found})
    echo(f"{files} file{' differs' if files == 1 else 's differ'}." if files else "No difference.")
    sys.exit(1 if found else 0)


@main.command()
@click.argument("a", type=PATH)
@click.argument("b", type=PATH)
@click.option("--out", type=PATH, metavar="FOLDER", help="Write the tables named below to a new folder.")
@click.option(
    "--near", is_flag=True, help="Take rows that seem to be the same as that, and compare their cells."
)
@click.option("--settled", type=PATH, metavar="FILE", help="Write the agreed tables, by this settle.csv.")
@plainly
def compare(a: str, b: str, out: str | None, near: bool, settled: str | None) -> None:
    """Say in which cells two people's tables differ: folders A and B, two tables, or two workbooks.

    Rows are matched by the keys of the codebook. What one of the two lacks is told with what it may be in the
    other: another arm id, a slip in a key. A number written differently is no difference. The folder
    --out gets differences.csv, agreement.csv (by column: share, kappa, ICC, limits of agreement) and
    settle.csv: write into its column `settled` (A), (B), (empty) or a value, of a row keep or drop, then

    \b
        trialpool compare A B --settled settle.csv --out FOLDER

    writes the agreed tables. Exits with 0 if the two say the same, or all is settled, with 1 if not.
    """
    from trialpool.exchange import double_extraction as double

    found = double.compare(double.read_extraction(a), double.read_extraction(b), near=near)
    if settled:
        if not out:
            raise click.UsageError("--settled needs --out FOLDER, for the agreed tables")
        decisions = double.read_settled(settled)
        agreed = double.settle(found, decisions, settled)
        double.write_agreed(agreed, decisions, out)
        said = f"{len(found.differences):,} settled; the agreed tables are written to {out}."
        echo(f"{said} To check them: trialpool check {out}")
        return
    if out:
        double.write_comparison(found, out)
    for difference in found.differences:
        echo(str(difference))
    echo(found.summary())
    if out:
        echo(f"Written to {out}: differences.csv, agreement.csv, settle.csv.")
    sys.exit(1 if found.differences else 0)


@main.command()
@click.argument("config", type=PATH)
@click.argument("new", nargs=-1, required=True, type=PATH, metavar="NEW...")
@click.option("--fill", multiple=True, metavar="COLUMN=VALUE", help=FILL)
@click.option("--write", is_flag=True, help="Add the rows to the review's own tables: all of them, or none.")
@click.option("--out", type=PATH, metavar="FOLDER", help="Write trials.csv and changes.csv to a new folder.")
@click.option("--cores", default=min(os.cpu_count() or 1, 4), type=click.IntRange(1), show_default=True)
@plainly
def update(
    config: str, new: tuple[str, ...], fill: tuple[str, ...], write: bool, out: str | None, cores: int
) -> None:
    """Say what newly found trials would change in the review of CONFIG, before they are in it.

    NEW are folders of candidate rows, as `trialpool import` writes them, or files that it takes. Which
    question does each trial enter, or why not; which estimates, intervals, verdicts and certainties would
    move, in the words of `diff`. Trials that the review has already are recognised. The review is run in a
    folder of its own and stays as it is, unless --write is said. Exits with 1 while something of the new
    trials must be filled in or mended, else with 0.
    """
    from trialpool import io
    from trialpool.exchange.candidates import parse_fill
    from trialpool.provenance.diff import summary
    from trialpool.update import update as updated
    from trialpool.update import write_update

    echo("Looking at the review as it is and with the new trials …", err=True)
    found, tables = updated(config, new, parse_fill(fill), cores)
    for line in found.lines():
        echo(line)
    if found.changes:
        echo("What would change:")
    elif not found.left_out:
        echo("Nothing would change.")
    for change in found.changes:
        echo(f"  {change.words}")
    if words := summary(found.changes):
        echo(words)
    if out:
        write_update(found, out)
    if found.open:
        echo(f"To fill in or mend first{', so that nothing was written' * write}:")
        raise InputError(found.open)
    if write:
        io.write_all(tables)
        echo(f"Written: {', '.join(os.path.relpath(path) for path in tables) or 'nothing'}.")


@main.command(name="rob")
@click.argument("config", type=PATH)
@click.option("--out", required=True, type=PATH, metavar="FOLDER", help="A new folder for the files.")
@plainly
def help_judging(config: str, out: str) -> None:
    """Say what the tables of a review suggest on risk of bias, and which results are missing where.

    suggested_answers.csv holds answers to signalling questions of RoB 2 that follow from who was blinded,
    from the controls, and from how many were analysed: suggestions, which nothing counts. After a run of the
    review missing_results.csv and a figure a comparison are the matrix of ROB-ME.
    """
    from trialpool import jobs
    from trialpool.protocol import folder_of_paths

    folder, target = folder_of_paths(config), os.path.abspath(out)
    name = os.path.relpath(config, folder)
    with contextlib.chdir(folder):
        written = jobs.help_judging(name, target)
    echo(f"Written to {out}: {', '.join(written)}")
    if "missing_results.csv" not in written:
        echo(f"Which results are missing is known after a run: trialpool run {config}")


@main.group(name="import")
def import_group() -> None:
    """Bring other formats in, as candidate rows for a person to check.

    Rows go to a new folder, never among checked evidence. What the source does not say stays empty;
    `trialpool check` names what is left to fill in. In its folder `review` lie a configuration of the
    source's own analyses and rows in which stand-ins fill what is empty: it runs as it stands.
    """


def importer(command: Callable[..., None]) -> click.Command:
    """A command that brings in a FILE, with the folder and the values for its candidate rows."""
    return import_group.command()(click.argument("file", type=PATH)(_importing(command)))


def _importing(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option("--fill", multiple=True, metavar="COLUMN=VALUE", help=FILL)(plainly(command))
    out = click.option("--out", required=True, type=PATH, metavar="FOLDER", help="A new folder for the rows.")
    return out(command)


@importer
@click.option("--source-url", default="", metavar="URL", help="Where the review can be read.")
def revman(file: str, out: str, fill: tuple[str, ...], source_url: str) -> None:
    """Import a review of RevMan: a .rm5, a data package or study-centric tables (a zip, a folder, a CSV).

    revman_totals.csv in the new folder sets RevMan's stored totals beside totals pooled from its data.
    """
    from trialpool.exchange.revman import import_revman

    _write(import_revman(file, source_url), out, fill)


@importer
def covidence(file: str, out: str, fill: tuple[str, ...]) -> None:
    """Import what Covidence exports for RevMan Web: study information, arms, results, risk of bias.

    FILE is the folder, or a zip of it.
    """
    from trialpool.exchange.revman import import_revman

    _write(import_revman(file), out, fill)


@importer
def workbook(file: str, out: str, fill: tuple[str, ...]) -> None:
    """Import an Excel workbook (.xlsx) with a sheet for each table, named and headed as in the codebook."""
    from trialpool.exchange.workbook import import_workbook

    _write(import_workbook(file), out, fill)


@import_group.command()
@click.argument("files", nargs=-1, required=True, type=PATH)
@_importing
def registry(files: tuple[str, ...], out: str, fill: tuple[str, ...]) -> None:
    """Import ClinicalTrials.gov records with posted results (API v2 JSON).

    FILES are records, answers of a search, or folders of them.
    """
    from trialpool.exchange.registry import import_registry

    _write(import_registry(*files), out, fill)


@import_group.command()
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option(
    "--full-text", "full_texts", multiple=True, type=PATH, metavar="FILE", help="Decisions on full reports."
)
@click.option("--source", default="", metavar="NAME", help="Where records that do not say were found.")
@click.option(
    "--kind",
    default="database",
    show_default=True,
    type=click.Choice(("database", "register", "website", "organisation", "citation", "other", "previous")),
    help="What kind of source that is.",
)
@click.option(
    "--out", required=True, type=PATH, metavar="FILE", help="The screening.csv to write; a new file."
)
@plainly
def screening(files: tuple[str, ...], full_texts: tuple[str, ...], source: str, kind: str, out: str) -> None:
    """Import references with decisions (RIS or CSV of Covidence, Rayyan, ASReview) as screening.csv.

    Of Covidence the name of a file says its stage (irrelevant, excluded, included …). A reference that stands
    in several files is one record; one that stands twice in those of titles is a duplicate.
    """
    from trialpool.exchange.screening import import_screening, write_screening

    made = import_screening(files, full_texts, source=source, kind=kind)
    left = write_screening(made, out)
    for remark in made.remarks:
        echo(f"Note: {remark}")
    for line in left:
        echo(f"To fill in or check: {line}")
    echo(
        f"{count(len(made.rows), 'record')} written to {out}. Name it under screening: in the configuration."
    )


@import_group.command()
@click.argument("files", nargs=-1, required=True, type=PATH, metavar="FILE...")
@click.option("--out", required=True, type=PATH, metavar="FOLDER", help="A new folder for the rows.")
@click.option(
    "--tool", default="", metavar="NAME", help="RoB1, RoB2, ROBINS-I, QUADAS-2, or the name of another tool."
)
@click.option("--assessed-by", default="", metavar="URL", help="DOI or address of the review that judged.")
@click.option("--evidence", type=PATH, metavar="FOLDER", help="Tables whose trials keep their ids.")
@click.option("--vocabulary", type=PATH, metavar="FILE", help="The words of the review, with its own tools.")
@click.option("--fill", multiple=True, metavar="COLUMN=VALUE", help=FILL)
@plainly
def rob(
    files: tuple[str, ...],
    out: str,
    tool: str,
    assessed_by: str,
    evidence: str | None,
    vocabulary: str | None,
    fill: tuple[str, ...],
) -> None:
    """Import judgements of risk of bias: robvis's or Covidence's CSV, or the Excel workbook of RoB 2.

    A row a study (and outcome), a column a domain; answers to signalling questions go to
    signalling_answers.csv. Rows without a known trial bring one of studies.csv with them.
    """
    from trialpool.exchange.risk_of_bias import import_rob
    from trialpool.vocabulary import load_vocabulary

    words = load_vocabulary(vocabulary)
    _write(
        import_rob(files, tool=tool, assessed_by=assessed_by, evidence=evidence, vocabulary=words), out, fill
    )


def _write(candidates: Any, out: str, fill: Sequence[str]) -> None:
    """Write candidate rows and say what a person has to do next."""
    from collections import Counter

    from trialpool.evidence.read import examine
    from trialpool.exchange.candidates import parse_fill, write_candidates
    from trialpool.exchange.own_review import FOLDER, with_own_review

    known = parse_fill(fill)
    candidates = with_own_review(candidates, known)
    write_candidates(candidates, out, known)
    tables, faults = examine(out)
    for name, frame in tables.items():
        echo(f"{len(frame):>7}  {name}")
    for remark in candidates.remarks:
        echo(f"Note: {remark}")
    for (file, column), number in Counter((fault.file, fault.column) for fault in faults).items():
        echo(f"To fill in or check: {file}, {column or 'whole rows'} ({number})")
    echo(f"Written to {out}. Check every row against its source, then run: trialpool check {out}")
    if (config := f"{FOLDER}/config.yaml") in candidates.files:
        echo(f"With the stand-ins that IMPORT.md lists its own analyses run: trialpool run {out}/{config}")


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

    echo(f"{export_effects(results, out)} effects written to {out}")


@export.command(name="reproduce")
@click.argument("source", type=PATH, metavar="CONFIG | RESULTS")
@click.argument("analyses", nargs=-1, metavar="[ANALYSIS]...")
@click.option("--language", type=click.Choice(("r", "python")), default="r", show_default=True)
@click.option("--out", required=True, type=PATH, metavar="FOLDER", help="The folder for the scripts.")
@plainly
def scripts(source: str, analyses: tuple[str, ...], language: str, out: str) -> None:
    """Write scripts that compute the pooled results again, of all analyses or those named.

    The trials stand in them. In R they ask metafor, where it has the method; in Python this library.
    """
    from trialpool.exchange.finished import read_finished
    from trialpool.exchange.metafor import write_scripts

    written, without = write_scripts(read_finished(source).results, out, language, analyses)
    for analysis in without:
        echo(f"{analysis}: nothing was pooled, or metafor has not the method")
    echo(f"{count(len(written), 'script')} written to {out}")


@main.command()
@click.argument("source", type=PATH, metavar="CONFIG | RESULTS")
@click.option(
    "--out", type=PATH, metavar="FILE", help="The CSV file to write; `reproduced` of CONFIG if absent."
)
@plainly
def reproduce(source: str, out: str | None) -> None:
    """Run every reproduce.R of a review's results in R, and write what it gave.

    With the file as `reproduced` in CONFIG, the page says at each result whether R gave the same: a run of
    the review compares them. Needs R with metafor.
    """
    from trialpool.exchange.finished import read_finished
    from trialpool.exchange.metafor import ask_r

    review = read_finished(source)
    if out is None and review.protocol and review.protocol.reproduced:
        out = os.path.relpath(review.folder / review.protocol.reproduced)
    if out is None:
        remedy = "write `reproduced: reproduced.csv` into the configuration, or give --out FILE"
        raise InputError([Fault(source, None, "reproduced", "", "names no file for what R gives", remedy)])
    ran, problems = ask_r(review.results, out)
    for line in problems:
        echo(line, err=True)
    said = f"{count(ran, 'result')} computed again in R: {out}."
    echo(f"{said} The next run of the review compares them.")


@export.command()
@click.argument("source", type=PATH, metavar="CONFIG | RESULTS")
@click.option("--out", type=PATH, default="exports/manuscript", show_default=True, metavar="FOLDER")
@click.option("--only", multiple=True, metavar="ANALYSIS", help="Of these analyses alone. May be repeated.")
@click.option("--replace", is_flag=True, help="Put it in the place of an earlier manuscript.")
@plainly
def manuscript(source: str, out: str, only: tuple[str, ...], replace: bool) -> None:
    """Write the manuscript of a finished review: Word, Markdown, LaTeX, references, figures.

    Methods as they were taken, results, tables, forest plots of 174 and 85 mm (SVG, PDF, TIFF), the trials
    as BibTeX and RIS. Of a RESULTS folder alone less is known of the trials, and codes stand for names.
    """
    from trialpool.exchange.manuscript_files import export_manuscript

    files = export_manuscript(source, out, only=only, replace=replace)
    echo(f"Written to {out}: {len(files)} files. What is still to be written stands in its README.md.")


@export.command(name="revman")
@click.argument("source", type=PATH, metavar="CONFIG | RESULTS")
@click.option("--out", required=True, type=PATH, metavar="FOLDER", help="A new folder for the tables.")
@plainly
def export_to_revman(source: str, out: str) -> None:
    """Write the tables of RevMan Web: the evidence of CONFIG as study-centric data, or RESULTS as a package.

    EXPORT.md in the new folder names what has no place in these tables.
    """
    from trialpool.exchange.revman_export import export_revman

    review, lost = export_revman(source, out)
    for what in lost:
        echo(f"Without a place there: {what}")
    counts = f"{len(review.studies)} studies, {len(review.results)} results, {len(review.outcomes)} analyses"
    echo(f"{counts} written to {out}")


@export.command()
@click.argument("source", type=PATH, metavar="CONFIG | RESULTS")
@click.option(
    "--format", "form", type=click.Choice(("docx", "csv", "fhir")), default="docx", show_default=True
)
@click.option("--out", type=PATH, metavar="FILE", help="exports/summary-of-findings.FORMAT if absent.")
@plainly
def sof(source: str, form: str, out: str | None) -> None:
    """Write the summaries of findings of a finished review, a table a comparison, as Word, CSV or FHIR (R5).

    Of a RESULTS folder alone treatments and outcomes are called by their codes. GRADEpro publishes no format
    that could be written for it.
    """
    from trialpool.exchange.summary_of_findings import export_findings

    file = out or f"exports/summary-of-findings.{'fhir.json' if form == 'fhir' else form}"
    written = export_findings(source, form, file)
    echo(f"{count(written, 'comparison')} written to {file}")


@export.command()
@click.argument("config", type=PATH)
@click.option(
    "--format", "form", type=click.Choice(("docx", "csv", "md", "flow")), default="docx", show_default=True
)
@click.option("--out", type=PATH, metavar="FILE", help="exports/prisma.FORMAT if absent.")
@plainly
def prisma(config: str, form: str, out: str | None) -> None:
    """Write the PRISMA 2020 checklists of a finished review, each item with where its answer stands.

    `flow` are the counts of its search by the names of the CSV template of the R package PRISMA2020.
    """
    from trialpool.exchange.prisma import export_prisma

    file = out or ("exports/prisma-flow.csv" if form == "flow" else f"exports/prisma.{form}")
    echo(f"{count(export_prisma(config, form, file), 'row')} written to {file}")
