"""Prompts, and the texts that follow them, as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edt_sampling.protocol import Messages


class Prompts:
    """Tokenises for one model of at most ``positions`` tokens (None: any number); ``chat`` puts text through the chat template.

    ``tokenizer`` is transformers' or has what is used of one: a call, ``decode``, ``batch_decode``, ``eos_token_id``, ``chat_template`` and
    ``apply_chat_template``.
    """

    def __init__(self, tokenizer: Any, *, name: str, positions: int | None, chat: bool) -> None:
        if chat and not tokenizer.chat_template:
            raise ValueError(f"chat: the tokenizer of {name!r} has no chat template")
        self._tokenizer, self._name, self._positions, self._chat = tokenizer, name, positions, chat

    def tokens(self, prompt: str | Messages) -> list[int]:
        """The token ids of a prompt. Raises ValueError for one without tokens, and for messages where there is no template."""
        if self._chat and isinstance(prompt, str):
            prompt = [{"role": "user", "content": prompt}]
        if isinstance(prompt, str):
            ids = list(self._tokenizer(prompt)["input_ids"])
        else:
            if not self._tokenizer.chat_template:
                raise ValueError(f"prompt holds chat messages, but the tokenizer of {self._name!r} has no chat template: give text")
            ids = list(self._tokenizer.apply_chat_template(list(prompt), add_generation_prompt=True, return_dict=True)["input_ids"])
        if not ids:
            raise ValueError(f"prompt {prompt!r} holds no token")
        return ids

    def continuation(self, prompt: str | Messages, text: str) -> list[int]:
        """The token ids of a text as the model would write it behind the prompt, and the end token, where there is one.

        A space goes between a plain prompt and the text unless either has white space there; a chat template is followed by
        the text as it is. Raises ValueError for a text without tokens.
        """
        if isinstance(prompt, str) and not self._chat:
            spaced = text if not text or prompt[-1].isspace() or text[0].isspace() else f" {text}"
            ids = self._following(prompt, spaced)
        else:
            ids = self._alone(text)
        end = self._tokenizer.eos_token_id
        ids += [] if end is None else [end]
        if not ids:
            raise ValueError(f"text {text!r} holds no token")
        return ids

    def text(self, prompt: str | Messages, text: str | Sequence[int]) -> list[int]:
        """The token ids of a text as ``continuation`` has them, or given ones as they are. Raises ValueError where there are none."""
        tokens = self.continuation(prompt, text) if isinstance(text, str) else [int(token) for token in text]
        if not tokens:
            raise ValueError("text must hold a token, got an empty list")
        return tokens

    def _following(self, prompt: str, text: str) -> list[int]:
        """What the text adds to the prompt's tokens: alone, some tokenizers would put a space before it. Where the two merge, its own."""
        before, whole = (list(self._tokenizer(t)["input_ids"]) for t in (prompt, prompt + text))
        return whole[len(before) :] if whole[: len(before)] == before else self._alone(text)

    def _alone(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def pieces(self, tokens: Sequence[int]) -> list[str]:
        """What each token adds to the text; a token that only begins a character adds nothing, the one that ends it adds it."""
        pieces: list[str] = []
        shown = ""
        for end in range(1, len(tokens) + 1):
            text = self._tokenizer.decode(tokens[:end])
            text = shown if text.endswith("\ufffd") and end < len(tokens) else text
            pieces.append(text[len(shown) :])
            shown = text
        return pieces

    def check_room(self, prompt: int, more: int, what: str) -> None:
        """Raises ValueError where a prompt of so many tokens and ``more`` behind it, ``what`` they are, exceed the model's positions."""
        if self._positions is not None and prompt + more > self._positions:
            raise ValueError(
                f"prompt of {prompt} tokens and {what} exceed the {self._positions} positions of {self._name!r}: shorten one of them"
            )
