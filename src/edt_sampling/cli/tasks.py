"""``edt tasks``: the tasks, and one example of a task."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points

import click
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from edt_sampling.tasks import TASKS, Example, Task, load_task
from edt_sampling.tasks.splits import SPLITS

WIDTH = 100
FILE = "FILE.jsonl"


@click.group(name="tasks", invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List the tasks: what each one is, where its texts come from, its parameters, splits and metrics.

    Listing needs no network. `edt tasks show NAME --split dev --index 0` prints one example.
    """
    if context.invoked_subcommand is not None:
        return
    console = _console()
    for name in TASKS.built_in:
        _describe(console, name, load_task(name))
    console.print(Text(f"{FILE}: your own examples, a JSON object a line: prompt, references, evidence", style="bold"))
    for plugin in entry_points(group=TASKS.group):
        console.print(Text(f"{plugin.name}: of another package ({plugin.value})", style="bold"))


@command.command(name="show")
@click.argument("name")
@click.option("--split", type=click.Choice(SPLITS), default="dev", show_default=True, help="the split to look at")
@click.option("--index", type=click.IntRange(min=0), default=0, show_default=True, help="which of its examples, in their order")
def show(name: str, split: str, index: int) -> None:
    """Print one example of the task NAME, such as xlsum:language=french or mine.jsonl: the prompt with its evidence marked, the
    references, the prompt without the evidence, and what is known of the split.
    """
    task = load_task(name, split=split)
    if task.notice:
        click.echo(task.notice, err=True)
    examples = task.examples(index + 1)
    if index >= len(examples):
        raise ValueError(f"index must be below {len(examples)}, the examples of {task.name} in {split}, got {index}")
    console = _console()
    facts = {"split": task.split, "fingerprint": task.fingerprint, **task.facts(), "metrics": ", ".join(task.metrics)}
    _table(console, task.name, facts.items())
    _print(console, examples[index])


def _describe(console: Console, name: str, task: Task) -> None:
    """The task's card."""
    card = task.card
    if card is None:
        _table(console, name, [("metrics", ", ".join(task.metrics))])
        return
    metrics = ", ".join(task.metrics) + (f"; {card.metrics}" if card.metrics else "")
    network = "none is needed" if card.offline else "the first use of a split fetches its files; from=FOLDER needs none"
    facts = [("source", card.source), ("splits", card.splits), ("metrics", metrics), ("network", network)]
    _table(console, f"{name}: {card.about}", [*facts, *((f":{key}=", told) for key, told in card.parameters.items())])


def _table(console: Console, title: str, rows: Iterable[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2, 0, 2))
    for name, told in rows:
        table.add_row(Text(name, style="dim"), Text(told))
    console.print(Text(title, style="bold"))
    console.print(table)
    console.print()


def _print(console: Console, example: Example) -> None:
    prompt = Text(example.prompt)
    if example.evidence:
        start = example.prompt.index(example.evidence)
        prompt.stylize("bold cyan", start, start + len(example.evidence))
    _section(console, f"prompt of {example.id}" + (", its evidence in colour" if example.evidence else ""), prompt)
    for number, reference in enumerate(example.references, 1):
        _section(console, f"reference {number} of {len(example.references)}", Text(reference))
    if example.evidence:
        _section(console, "prompt without evidence", Text(example.prompt_without_evidence))


def _section(console: Console, title: str, text: Text) -> None:
    console.print(Rule(Text(title, style="dim"), align="left", style="dim"))
    console.print(text, soft_wrap=True)  # the text's own lines, and no others


def _console() -> Console:
    console = Console(highlight=False)
    console.width = min(console.width, WIDTH) if console.is_terminal else WIDTH
    return console
