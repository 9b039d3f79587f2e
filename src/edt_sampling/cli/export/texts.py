"""``edt export texts``: a run as JSON lines."""

from __future__ import annotations

from pathlib import Path

import click

from edt_sampling.store import Reader, export


@click.command(name="texts")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: standard output]")
def command(run: Path, out: Path | None) -> None:
    """Write what RUN, a run's folder, holds as JSON lines. "kind" says what a line is: the run, an example, a setting, a text with H, T
    and p of its tokens, or a reference teacher-forced under a setting.

    Equal runs export the same bytes.
    """
    with Reader(run) as reader:
        for stage, split in reader.stages().items():
            done, wanted = len(reader.done(stage)), len(reader.examples(split))
            if done < wanted:
                click.echo(f"edt: this run is not complete: stage {stage} has {done} of {wanted} prompts", err=True)
        with click.open_file(str(out or "-"), "w", encoding="utf-8") as stream:
            for line in export(reader):
                stream.write(line + "\n")
