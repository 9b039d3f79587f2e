"""Packing: several examples in one row, each kept to itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from trl.data_utils import pack_dataset

from edt_sampling.training.lora.examples import IGNORED, Row

LOOKED_AT = 32
"""Tokens of each part that the model is tried on."""
TOLERANCE = 1e-2
"""How far logits of a packed row may lie from those of its parts alone, as a share of the largest: rounding, at any number format."""


def dataset(rows: Sequence[Row]) -> Dataset:
    """The rows as trl takes them."""
    return Dataset.from_dict({"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]})


def packed(rows: Sequence[Row], max_length: int) -> Dataset:
    """Rows of at most ``max_length`` tokens (none of them longer), filled by trl's best fit; ``seq_lengths`` says where each part ends."""
    return pack_dataset(dataset(rows), max_length, "bfd")


@dataclass(frozen=True)
class PackedRows:
    """Collates packed rows: ``input_ids``, ``labels`` and ``position_ids``, each ``[rows, longest]``, padded on the right.

    Positions start anew with each part, and there is no attention mask: by both together transformers knows that parts must not see each
    other. trl's own collator lays all rows of a batch behind one another, which without flash attention costs the square of their sum.
    """

    padding: int

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        shape = (len(rows), max(len(row["input_ids"]) for row in rows))
        ids, labels, positions = (torch.full(shape, value) for value in (self.padding, IGNORED, 0))
        for i, row in enumerate(rows):
            length = len(row["input_ids"])
            ids[i, :length] = torch.tensor(row["input_ids"])
            labels[i, :length] = torch.tensor(row["labels"])
            positions[i, :length] = torch.cat([torch.arange(part) for part in row.get("seq_lengths") or [length]])
        return {"input_ids": ids, "labels": labels, "position_ids": positions}


def read_tokens(position_ids: torch.Tensor) -> torch.Tensor:
    """How many tokens of a collated batch are no padding: each part has one at position 1, and one more before it; padding stays at 0."""
    return (position_ids > 0).sum() + (position_ids == 1).sum()


@torch.inference_mode()
def check_separation(model: Any, rows: Sequence[Row], *, name: str) -> None:
    """Tries the model on a batch of two packed rows.

    Raises ValueError where the logits of the second part are not those that it has alone: the model would let packed examples see each
    other.
    """
    parts = [row.input_ids[:LOOKED_AT] for row in (rows[0], rows[-1])]
    ids, lengths = [token for part in parts for token in part], [len(part) for part in parts]
    batch = PackedRows(0)([{"input_ids": ids, "labels": ids, "seq_lengths": lengths}, {"input_ids": ids[:2], "labels": ids[:2]}])
    training = model.training
    model.eval()
    together = model(**{key: batch[key].to(model.device) for key in ("input_ids", "position_ids")}, use_cache=False).logits
    alone = model(input_ids=torch.tensor([parts[1]], device=model.device), use_cache=False).logits[0].float()
    model.train(training)
    if not torch.allclose(alone, together[0, lengths[0] :].float(), rtol=0, atol=TOLERANCE * float(alone.abs().max())):
        raise ValueError(f"packing: {name!r} does not keep packed examples apart with its attention here; train without packing")
