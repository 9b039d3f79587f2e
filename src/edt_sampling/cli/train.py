"""``edt train``: LoRA fine-tuning on a task, from a recipe."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click
from pydantic.fields import FieldInfo

from edt_sampling.cli.progress import counting
from edt_sampling.cli.recipe_options import field_option, words
from edt_sampling.experiments.recipe_file import read_fields, validated
from edt_sampling.training.lora.recipe import TrainRecipe

if TYPE_CHECKING:
    from edt_sampling.training.lora.material import Material
    from edt_sampling.training.lora.record import Record
    from edt_sampling.training.lora.run import Session

FIRST = os.environ.get("RANK", "0") == "0"
"""Whether this is the first of several processes (``accelerate launch``), which alone tells and writes."""


def recipe_flags(command: Any) -> Any:
    """A command with a flag for every field of a training recipe; those not given arrive as None."""
    for name, field in reversed(TrainRecipe.model_fields.items()):
        command = field_option(TrainRecipe, name, **_kind(field))(command)
    return command


def _kind(field: FieldInfo) -> dict[str, Any]:
    """What click must know of a field's type."""
    plain = next((t for t in get_args(field.annotation) if t is not type(None)), None) if _optional(field.annotation) else field.annotation
    if plain is bool:
        return {"switch": True}
    if get_origin(plain) is list:
        return {"callback": words, "metavar": "NAME,..."}
    if get_origin(plain) is Literal:
        return {"metavar": "|".join(get_args(plain))}
    return {"type": plain if plain in (int, float) else str}


def _optional(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


@click.command(name="train")
@click.argument("recipe", type=click.Path(path_type=Path, dir_okay=False), required=False)
@recipe_flags
@click.option("--trust-remote-code", is_flag=True, help="let the model's folder run its own Python code")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), show_default=True, help="folder of runs")
def command(recipe: Path | None, trust_remote_code: bool, out: Path, **flags: Any) -> None:
    """Fine-tune a model with LoRA on the answers of a task's train split, as RECIPE, a TOML file, and these flags say; flags win.

    The loss on dev examples is measured as it goes, and the checkpoint with the lowest is given. Prints the folder of the
    model, which every --model takes. Stopped at any moment, the same command goes on from the last checkpoint. On several GPUs:
    accelerate launch -m edt_sampling train RECIPE.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    wanted = validated(TrainRecipe, read_fields(recipe) | given, file=recipe, flags=given)
    with ExitStack() as stack:
        session = _session(wanted, out, trust_remote_code, stack)
        _describe(session.material)
        _say(f"folder: {session.folder}")
        try:
            record = session.run()
        except KeyboardInterrupt:
            _say(f"stopped; {_kept(session.folder)}: the same command goes on")
            raise
    _conclude(record, session)


def _session(recipe: TrainRecipe, out: Path, trust_remote_code: bool, stack: ExitStack) -> Session:
    try:
        from edt_sampling.training.lora.material import gather
        from edt_sampling.training.lora.run import Session
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        raise ImportError(f"edt train needs {library}: pip install 'edt-sampling[train]'") from None
    material = gather(recipe, tell=_say, trust_remote_code=trust_remote_code)

    def count(done: int, total: int) -> Any:
        return stack.enter_context(counting(done=done, total=total, what="steps"))

    return Session(
        material=material,
        folder=material.folder(out).resolve(),
        trust_remote_code=trust_remote_code,
        processes=int(os.environ.get("WORLD_SIZE", "1")),
        first=FIRST,
        count=count,
        tell=_say,
        warn=_warn,
    )


def _describe(material: Material) -> None:
    train, dev = material.train, material.dev
    left = f" ({train.left_out} of train and {dev.left_out} of dev, longer than {material.max_length} tokens, are left out)"
    _say(
        f"{material.recipe.model} on {train.task}: {len(train.rows)} train examples with {train.answer_tokens:,} tokens to learn, "
        f"{len(dev.rows)} dev examples with {dev.answer_tokens:,}{left if train.left_out or dev.left_out else ''}"
    )


def _kept(folder: Path) -> str:
    from edt_sampling.training.lora.checkpoints import steps

    saved = steps(folder)
    return f"the checkpoint of step {saved[-1]} is kept" if saved else "no checkpoint was written yet"


def _conclude(record: Record, session: Session) -> None:
    if not FIRST or record.chosen is None:
        return
    before, after, examples = record.log[0]["dev_loss"], record.chosen["dev_loss"], len(session.material.dev.rows)
    _say(
        f"dev loss {before:.4f} before, {after:.4f} at step {record.chosen['step']} ({record.chosen['why']}): "
        f"nats a token over {examples} examples, one training"
    )
    if after >= before:
        _warn("this checkpoint is no better on dev than the model was before")
    click.echo(str(session.folder / "model"))


def _say(line: str) -> None:
    if FIRST:
        print(line, file=sys.stderr, flush=True)


def _warn(line: str) -> None:
    _say(f"edt: warning: {line}")
