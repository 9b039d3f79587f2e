"""A causal language model as a library runs it: tokens in, logits out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from edt_sampling.engines.decoding.stream import Stream


class Tokenizer(Protocol):
    """What is used of transformers' tokenizers, for libraries that bring their own.

    Called, it returns ``{"input_ids": [...]}``; ``add_special_tokens`` says whether the beginning-of-text token, where there is one, is
    put in front. ``chat_template`` is None where there is none.
    """

    eos_token_id: int | None
    chat_template: Any

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]: ...

    def decode(self, tokens: Sequence[int], *, skip_special_tokens: bool = False) -> str: ...

    def batch_decode(self, rows: Sequence[Sequence[int]], *, skip_special_tokens: bool = False) -> list[str]: ...

    def apply_chat_template(self, messages: list[dict[str, str]], **options: Any) -> dict[str, list[int]]: ...


class Model(Protocol):
    """What ``LogitsEngine`` needs of a library. Logits are NumPy arrays of float32.

    ``name`` is what the user called it; ``fingerprint`` changes with its weights; ``positions`` is the longest text in tokens, None for
    any; ``end_tokens`` are those that end a text.
    """

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def positions(self) -> int | None: ...
    @property
    def tokenizer(self) -> Any: ...
    @property
    def end_tokens(self) -> Sequence[int]: ...

    def begin(self, prompt: Sequence[int], *, rows: int, room: int) -> Stream:
        """So many rows behind one prompt, with room for ``room`` tokens each; ``logits`` are those of its first tokens."""
        ...

    def rows_at_once(self, prompt: int, *, room: int) -> int:
        """How many rows behind a prompt of so many tokens its limits allow; 0 where not one fits."""
        ...

    def logits(self, tokens: Sequence[int], *, last: int) -> np.ndarray:
        """The logits behind each of the last tokens, ``[last, vocab]``, from one pass."""
        ...

    def describe(self) -> dict[str, Any]:
        """Engine, library versions, parameters, device, dtype, threads."""
        ...
