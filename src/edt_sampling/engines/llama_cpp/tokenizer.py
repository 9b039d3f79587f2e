"""A GGUF file's own vocabulary, with what is used of transformers' tokenizers."""
# pyright: reportMissingImports=false

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from edt_sampling.engines.llama_cpp.native import llama_cpp

_LONGEST = 256  # bytes: more than any token's text; llama.cpp says how many where one is longer


class Tokenizer:
    """See ``decoding.model.Tokenizer``. ``model`` is llama-cpp-python's ``LlamaModel``, whose chat template is a Jinja one.

    Special tokens are recognised where a text spells them out, as transformers does.
    """

    def __init__(self, model: Any) -> None:
        self._model, self._vocab = model, model.vocab
        self.chat_template: str | None = model.metadata().get("tokenizer.chat_template")
        self._pieces: dict[tuple[int, bool], bytes] = {}
        self.eos_token_id = _token(llama_cpp.llama_vocab_eos(self._vocab))
        self._spaced = llama_cpp.llama_vocab_type(self._vocab) == llama_cpp.LLAMA_VOCAB_TYPE_SPM

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        raw = text.encode()
        room = len(raw) + 8  # a token a byte, and the special ones around them
        tokens = (llama_cpp.llama_token * room)()
        size = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), tokens, room, add_special_tokens, True)
        if size < 0:
            raise ValueError(f"llama.cpp cannot tokenise a text of {len(raw)} bytes")
        return {"input_ids": tokens[:size]}

    def decode(self, tokens: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """The tokens' text; bytes that end no character become U+FFFD. The first space of a sentencepiece vocabulary is not the text's."""
        text = b"".join(self._piece(int(token), skip_special_tokens) for token in tokens).decode("utf-8", errors="replace")
        return text[1:] if self._spaced and text.startswith(" ") else text

    def batch_decode(self, rows: Sequence[Sequence[int]], *, skip_special_tokens: bool = False) -> list[str]:
        """The text of each row of tokens."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in rows]

    def apply_chat_template(
        self,
        messages: list[dict[str, str]],
        *,
        add_generation_prompt: bool = False,
        return_dict: bool = True,
    ) -> dict[str, list[int]]:
        """The tokens of chat messages, with ``add_generation_prompt`` those that begin the assistant's answer behind them."""
        if self.chat_template is None:
            raise ValueError("messages need a chat template, and this file has none: give text")
        first, last = (_token(special(self._vocab)) for special in (llama_cpp.llama_vocab_bos, llama_cpp.llama_vocab_eos))
        marks: dict[str, Any] = {"bos_token": self._marked(first), "eos_token": self._marked(last)}
        formatter: Any = Jinja2ChatFormatter(template=self.chat_template, add_generation_prompt=add_generation_prompt, **marks)
        return self(formatter(messages=messages).prompt, add_special_tokens=False)

    def _marked(self, token: int | None) -> str:
        return "" if token is None else self.decode([token])

    def _piece(self, token: int, skip_special: bool) -> bytes:
        """The bytes of one token, read once."""
        if (token, skip_special) not in self._pieces:
            self._pieces[token, skip_special] = self._read_piece(token, skip_special)
        return self._pieces[token, skip_special]

    def _read_piece(self, token: int, skip_special: bool) -> bytes:
        """The bytes of one token; none of a special one that is to be skipped."""
        buffer = ctypes.create_string_buffer(_LONGEST)
        size = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, _LONGEST, 0, not skip_special)
        if size < 0:
            buffer = ctypes.create_string_buffer(-size)
            size = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, -size, 0, not skip_special)
        return buffer.raw[:size]


def _token(number: int) -> int | None:
    """A special token's number; None for llama.cpp's -1, no such token."""
    return None if number < 0 else number
