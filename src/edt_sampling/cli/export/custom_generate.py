"""``edt export custom-generate``: a folder with which transformers decodes by our policies."""

from __future__ import annotations

from pathlib import Path

import click

from edt_sampling.cli.output import say

SPEC = "edt:theta=0.2"


@click.command(name="custom-generate")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="the folder to write; must be new or empty")
@click.option("--model", help="a model's folder, or bundled, to copy into it: a model that samples by the policy wherever it is served")
@click.option("--policy", "spec", help=f"that model's policy; a t0 left out is the request's own temperature  [default: {SPEC}]")
def command(out: Path, model: str | None, spec: str | None) -> None:
    """Write a custom_generate repository, to be pushed to the Hub as it is: model.generate(..., custom_generate="you/edt").

    With --model it is a model that transformers loads and serves with the policy on.
    """
    from edt_sampling.engines.transformers.repository import write_repository

    write_repository(out, model=model, spec=spec or (SPEC if model else None))
    say(f"wrote {out}: hf upload OWNER/NAME {out}" if model is None else f"wrote {out}: transformers serve {out} --trust-remote-code")
