"""A sheet of decoding steps for people to rate: what came before each, the token that the model chose, and others it could have chosen."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edt_sampling.experiments.diagnosis.stages import READ, SAMPLES
from edt_sampling.protocol import Engine, Reading
from edt_sampling.store import Reader, StepKey, Writer

STRATA = 10
"""Tenths of the steps by entropy, of which each gets as many items."""
ALTERNATIVES = 4
COLUMNS = ("id", "context", "chosen", "a", "b", "c", "d", "certain", "acceptable")
INSTRUCTIONS = """# Rating decoding steps

Each line of the sheet is one moment of a text that a language model wrote: what stood there (`context`: the task, then the text so far,
then ▮), the piece that came next (`chosen`), and up to four other pieces that could have come (`a` to `d`, in random order). ␣ is a space
and ⏎ a new line; a piece may be a word, part of a word, or a sign that ends the text.

Fill in two columns. Judge the place, not the piece that was chosen: read the context first.

* `certain`: how obvious is what comes next here? 1: many different things could come. 2: several. 3: two or three. 4: nearly obvious.
  5: only one thing can come.
* `acceptable`: how many of the pieces `a` to `d` would fit here as well as the chosen one, or nearly: 0 to 4. A piece that begins a word
  fits if any fitting word begins so.

Work alone, in the order of the sheet, and leave a cell empty rather than guess. Change nothing else: `id` is how the answers find their
place. Save as CSV in UTF-8 under your own name; it goes back with `--ratings`.
"""


class Picked(NamedTuple):
    """A step with the model's reading of its text."""

    key: StepKey
    reading: Reading


def pick(reader: Reader, *, steps: int) -> list[Picked]:
    """Steps of the untempered samples, as many of each tenth by entropy, in random order; no two of one text while there are texts enough.

    The run's hash is the seed: the same run gives the same steps.
    """
    texts = [(unit, key, reading) for unit, key, _, reading in reader.readings(READ) if key.setting == 0]
    entropy = np.concatenate([reading.entropy for *_, reading in texts])
    places = [(number, step) for number, (*_, reading) in enumerate(texts) for step in range(len(reading.tokens))]
    if steps > len(places):
        raise ValueError(f"steps must be at most the {len(places)} that the run's texts have, got {steps}")
    generator = np.random.default_rng(int(reader.content()[:15], 16))
    strata = np.array_split(np.argsort(entropy, kind="stable"), STRATA)
    sizes = [len(part) for part in np.array_split(np.arange(steps), STRATA)]
    used, found = set[int](), list[Picked]()
    for stratum, size in zip(strata, sizes, strict=True):
        for place in _spread(generator.permutation(stratum).tolist(), [number for number, _ in places], used)[:size]:
            number, step = places[place]
            used.add(number)
            unit, key, reading = texts[number]
            found.append(Picked(StepKey(SAMPLES, unit, key, step), reading))
    return [found[i] for i in generator.permutation(len(found))]


def _spread(order: Sequence[int], text: Sequence[int], used: Collection[int]) -> list[int]:
    """The places in this order, but first one of each text that was not used."""
    first: dict[int, int] = {}
    for place in order:
        if text[place] not in used:
            first.setdefault(text[place], place)
    chosen = set(first.values())
    return [*first.values(), *(place for place in order if place not in chosen)]


def write(path: Path, picked: Sequence[Picked], *, reader: Reader, writer: Writer, engine: Engine) -> Path:
    """Writes the sheet and, beside it, what raters must know; keeps the key in the run. Returns where the latter is."""
    prompts = [example.prompt for example in reader.examples(reader.stages()[SAMPLES])]
    items = {item(reader.content(), one.key): one for one in picked}
    writer.keep_steps({name: one.key for name, one in items.items()})
    generator = np.random.default_rng(int(reader.content()[:15], 16))
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(COLUMNS)
        for name, one in items.items():
            others = generator.permutation(_others(one)).tolist()
            table.writerow([name, *_shown(prompts[one.key.unit], one, others, engine), "", ""])
    beside = path.with_suffix(".md")
    beside.write_text(INSTRUCTIONS, encoding="utf-8")
    return beside


def item(content: str, key: StepKey) -> str:
    """An item's name, which tells its run and nothing about the step."""
    digest = hashlib.sha256(repr((content, key.stage, key.unit, *key.text, key.step)).encode()).hexdigest()
    return f"{content[:6]}-{digest[:6]}"


def _others(one: Picked) -> list[int]:
    """The model's best tokens but the chosen one."""
    step = one.key.step
    return [token for token in one.reading.best[step].tolist() if token != one.reading.tokens[step]][:ALTERNATIVES]


def _shown(prompt: str, one: Picked, others: Sequence[int], engine: Engine) -> list[str]:
    """Context, chosen piece and alternatives. Quotes and headings keep a spreadsheet from taking a cell for a formula."""
    before = one.reading.tokens[: one.key.step].tolist()
    text = "".join(engine.pieces(before)) if before else ""
    pieces = [_quoted(engine.pieces([*before, token])[-1]) for token in (int(one.reading.tokens[one.key.step]), *others)]
    return [f"TASK\n{prompt}\n\nTEXT SO FAR\n{text}▮", *pieces, *[""] * (ALTERNATIVES - len(others))]


def _quoted(piece: str) -> str:
    return f"“{piece.replace(' ', '␣').replace(chr(10), '⏎')}”" if piece else "(part of a character)"
