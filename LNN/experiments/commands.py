"""The command line of the experiments."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from LNN.exceptions import InvalidInputError, LNNError
from LNN.experiments.archive import commands as archive
from LNN.experiments.archive.experiments import EXPERIMENTS as ON_ARCHIVE
from LNN.experiments.archive.experiments import Experiment
from LNN.experiments.archive.lines import Fit
from LNN.experiments.comparing import compared
from LNN.experiments.estimates import COMMITTED, Estimates
from LNN.experiments.figures import plot_task
from LNN.experiments.metrics import METRICS
from LNN.experiments.models import EQUAL, MODELS
from LNN.experiments.running import duration, run_all
from LNN.experiments.runs import BUDGETS, Record, Run, runs_of
from LNN.experiments.store import Store, collect, read_collection
from LNN.experiments.table import as_dict, no_results, warnings_of, whole_text
from LNN.experiments.task import PROTOCOLS
from LNN.experiments.tasks import TASKS

RESULTS = Path("results")
# Exit statuses: as for any command, and as a shell reports Ctrl-C.
INCOMPLETE, WRONG, INTERRUPTED = 1, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return its exit status.

    Parameters
    ----------
    arguments : list of str, default=None
        None takes those of the process.

    Examples
    --------
    >>> main(["list", "--tasks", "cheetah"])  # doctest: +SKIP
    """
    given = _parser().parse_args(arguments)
    try:
        return given.command(given) or 0
    except LNNError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m LNN.experiments",
        description="The experiments of the LTC and CfC papers, measured again; and "
        f"benchmarks on the UCR archive: --tasks {' '.join(ON_ARCHIVE)}.",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    shown = commands.add_parser("list", help="tasks, models and runs of a budget")
    _add_selection(shown)
    shown.set_defaults(command=show_list)

    run = commands.add_parser("run", help="train what is not done yet")
    _add_selection(run)
    run.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    run.add_argument(
        "--n-jobs", type=int, default=-1, help="runs at a time (all cores)"
    )
    run.add_argument("--backend", help="joblib's backend, loky by default")
    run.set_defaults(command=run_runs)

    table = commands.add_parser("table", help="ours beside the published numbers")
    _add_reading(table)
    table.add_argument("--json", action="store_true", help="{task: {model: ...}}")
    table.set_defaults(command=print_table)

    plot = commands.add_parser("plot", help="metric against epochs and seconds")
    _add_reading(plot)
    plot.add_argument("--figures", type=Path, default=Path("figures"), metavar="DIR")
    plot.set_defaults(command=draw)

    tune = commands.add_parser("search", help="hyper-parameters, by validation")
    tune.add_argument("--tasks", nargs="+", required=True, choices=tuple(TASKS))
    tune.add_argument("--models", nargs="+", required=True, choices=tuple(MODELS))
    tune.add_argument("--protocol", choices=PROTOCOLS, default="published")
    tune.add_argument("--seeds", type=int, default=1, help="fits of each candidate")
    tune.add_argument("--n-jobs", type=int, default=1)
    tune.add_argument(
        "--into",
        type=Path,
        metavar="DIR",
        default=RESULTS / "search",
        help="gets the reports (default: %(default)s)",
    )
    tune.add_argument(
        "--apply",
        action="store_true",
        help="let runs take what all reports of the folder say: changes tuned.json",
    )
    tune.set_defaults(command=search_parameters)

    gather = commands.add_parser("collect", help="one small file per task, to commit")
    gather.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    gather.add_argument("--into", type=Path, metavar="DIR")
    gather.set_defaults(command=gather_results)

    back = commands.add_parser("restore", help="from collected files, to go on with")
    back.add_argument("--results", type=Path, default=RESULTS, metavar="DIR")
    back.add_argument("--source", type=Path, metavar="DIR")
    back.set_defaults(command=restore_results)
    return parser


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--budget", choices=tuple(BUDGETS), default="quick")
    parser.add_argument("--tasks", nargs="+", metavar="TASK")
    parser.add_argument("--models", nargs="+", metavar="MODEL")
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS)
    parser.add_argument("--seeds", type=int, help="in place of the budget's number")
    sets = "of the UCR archive, for the tasks on it: names, equal, ragged"
    parser.add_argument("--sets", nargs="+", metavar="SET", help=sets)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    help_ = "read these results in place of the committed ones"
    parser.add_argument("--results", type=Path, metavar="DIR", help=help_)
    parser.add_argument("--budget", choices=tuple(BUDGETS), default="standard")
    names = (*TASKS, *ON_ARCHIVE)
    parser.add_argument("--tasks", nargs="+", metavar="TASK", choices=names)
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS)


def _of_papers(given: argparse.Namespace) -> list[str] | None:
    """Return the tasks of the papers among those named; None where none is named."""
    if given.tasks is None:
        return None
    return [name for name in given.tasks if name not in ON_ARCHIVE]


def _fits(given: argparse.Namespace, experiment: Experiment) -> list[Fit]:
    return experiment.fits(
        given.budget, sets=given.sets, models=given.models, rounds=given.seeds
    )


def _selected(given: argparse.Namespace) -> list[Run]:
    tasks = _of_papers(given)
    if tasks == []:
        return []
    return runs_of(
        given.budget,
        tasks=tasks,
        models=given.models,
        protocols=given.protocols,
        seeds=given.seeds,
    )


def show_list(given: argparse.Namespace) -> None:
    """Print what there is, and what the budget would run."""
    for experiment in archive.named(given.tasks):
        print(archive.describe(experiment, _fits(given, experiment), RESULTS))
        print(f"  sets: {', '.join(experiment.sets)}")
        print(f"  models: {', '.join(experiment.models)}")
    if _of_papers(given) == []:
        return
    runs, estimates = _selected(given), Estimates.committed()
    print("tasks")
    for name in _of_papers(given) or TASKS:
        label = METRICS[TASKS[name].metric].label
        protocols = "published = sound" if TASKS[name].sound_is_published else "both"
        print(f"  {name:14s} {label:11s} {protocols:18s} {TASKS[name].title}")
    print("\nmodels (liquid ones first)")
    for liquid in (True, False):
        names = [name for name, model in MODELS.items() if model.liquid == liquid]
        print("  " + ", ".join(names))
    print(f'  "{EQUAL}" after a name: with as many weights as the LSTM')
    seconds = sum(map(estimates.seconds, runs))
    print(f"\nbudget {given.budget}: {len(runs)} runs, {_cores(seconds)}")


def _cores(seconds: float) -> str:
    return f"about {duration(seconds)} on one core of the machine that measured them"


def run_runs(given: argparse.Namespace) -> int:
    """Train what is not done yet, and print the tables; 1 if data were missing."""
    lacking = 0
    for experiment in archive.named(given.tasks):
        fits = _fits(given, experiment)
        lacking += archive.run(experiment, fits, given.results, given.n_jobs)
    if _of_papers(given) == []:
        return INCOMPLETE if lacking else 0
    runs = _selected(given)
    seconds = sum(map(Estimates.committed().seconds, runs))
    print(f"{len(runs)} runs, {_cores(seconds)}; results in {given.results}/")
    done = run_all(runs, given.results, n_jobs=given.n_jobs, backend=given.backend)
    print()
    print(_paper_tables(given))
    return 0 if len(done) == len(runs) and not lacking else INCOMPLETE


def _folder(named: Path | None, option: str) -> Path:
    """Return the folder that was named, else that of the checkout."""
    if named is not None:
        return named
    if COMMITTED.is_dir():
        return COMMITTED
    raise InvalidInputError(
        f"Expected {option} DIR, got none: LNN is installed, and there is no checkout "
        "whose committed results it could mean. Name a folder."
    )


def _records(given: argparse.Namespace) -> list[Record]:
    if given.results is None:
        return read_collection(COMMITTED)
    return Store(given.results).records()


def print_table(given: argparse.Namespace) -> None:
    """Print results beside the published ones."""
    if not given.json:
        print(_tables(given))
        return
    protocols = given.protocols or ["published"]
    if len(protocols) > 1:
        raise InvalidInputError(
            "--json has the results of one protocol, got two. Name one, or call twice."
        )
    records = _records(given)
    for said in warnings_of(records, given.tasks or TASKS, given.budget):
        print(said, file=sys.stderr)
    if archive.named(given.tasks):
        raise InvalidInputError(
            "--json has the papers' tasks only; those on the archive are in JSON, a "
            "line for each fit: archive/*.jsonl of the results."
        )
    found = as_dict(records, protocols[0], given.budget)
    wanted = {task: found[task] for task in given.tasks or found if task in found}
    print(json.dumps(wanted, indent=1))


def _tables(given: argparse.Namespace) -> str:
    results = given.results or COMMITTED
    said = [archive.text(e, results) for e in archive.named(given.tasks)]
    if _of_papers(given) != []:
        said.append(_paper_tables(given))
    return "\n\n".join(said)


def _paper_tables(given: argparse.Namespace) -> str:
    protocols = given.protocols or list(PROTOCOLS)
    tasks = _of_papers(given)
    records = _records(given)
    said = whole_text(records, tasks or list(TASKS), protocols, given.budget)
    # Ranks are over tasks: they do not belong beside some of them.
    together = "" if tasks else compared(records, protocols, given.budget)
    return "\n\n".join(part for part in (said, together) if part)


def draw(given: argparse.Namespace) -> None:
    """Write one picture per task and protocol."""
    nothing = True
    for experiment in archive.named(given.tasks):
        results = given.results or COMMITTED
        path = archive.draw(experiment, results, given.figures)
        if path is not None:
            print(path)
            nothing = False
    tasks = _of_papers(given)
    records = [] if tasks == [] else _records(given)
    for task in TASKS if tasks is None else tasks:
        for protocol in given.protocols or PROTOCOLS:
            path = plot_task(records, task, protocol, given.budget, given.figures)
            if path is not None:
                print(path)
                nothing = False
    if nothing:
        print(no_results(given.budget))


def search_parameters(given: argparse.Namespace) -> None:
    """Search the parameters of models on tasks; write reports, and apply if asked."""
    # Imported here: only a search needs it.
    from LNN.experiments.search import apply, search

    given.into.mkdir(parents=True, exist_ok=True)
    how = {"seeds": given.seeds, "n_jobs": given.n_jobs}
    for task in given.tasks:
        for model in given.models:
            report = search(task, given.protocol, model, **how)
            path = given.into / f"{task}-{given.protocol}-{model}.json"
            path.write_text(json.dumps(report, indent=1) + "\n")
            if given.apply:
                apply(given.into)
            found = f"{report['score']:.5g} with {report['best']}"
            print(f"{task} {given.protocol} {model}: {found}")


def restore_results(given: argparse.Namespace) -> None:
    """Put collected results back into a folder of results; what is there stays."""
    store, count = Store(given.results), 0
    for record in read_collection(_folder(given.source, "--source")):
        run = Run.of(record)
        if store.record(run) is None:
            store.save(run, record)
            count += 1
    print(f"{count} records written to {given.results}/")


def gather_results(given: argparse.Namespace) -> None:
    """Write the results of a folder to one file per task."""
    into = _folder(given.into, "--into")
    for path in collect(Store(given.results).records(), into):
        print(path)
