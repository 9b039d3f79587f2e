"""The tokenizer of a GenAI model's folder, with the calls of transformers' that the engine makes.

The ``tokenizers`` library reads its ``tokenizer.json``: GenAI's own decoder drops everything behind a character that is cut short, as
sampled texts have them.
"""
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime_genai as og
from tokenizers import Tokenizer


class GenaiTokenizer:
    """``folder`` holds ``tokenizer.json`` and the configuration that names the end token and the chat template; ``model`` renders that."""

    def __init__(self, model: Any, folder: Path) -> None:
        file = folder / "tokenizer_config.json"
        config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._genai = og.Tokenizer(model)
        end: Any = config.get("eos_token")
        content = end.get("content") if isinstance(end, dict) else end  # older files hold an object
        others = (int(token) for token in self._genai.eos_token_ids)
        self.eos_token_id: int | None = self._tokenizer.token_to_id(content) if content else next(others, None)
        own = folder / "chat_template.jinja"
        self.chat_template: Any = own.read_text(encoding="utf-8") if own.is_file() else config.get("chat_template")

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> dict[str, list[int]]:
        """``{"input_ids": ...}``."""
        return {"input_ids": self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids}

    def decode(self, tokens: Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """The text of tokens."""
        return self._tokenizer.decode([int(token) for token in tokens], skip_special_tokens=skip_special_tokens)

    def batch_decode(self, rows: Sequence[Sequence[int]], *, skip_special_tokens: bool = False) -> list[str]:
        """The text of each row."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in rows]

    def apply_chat_template(self, messages: list[dict[str, str]], **options: Any) -> dict[str, list[int]]:
        """The token ids of messages in the model's template; ``add_generation_prompt`` begins the answer."""
        begin = bool(options.get("add_generation_prompt", False))
        text = self._genai.apply_chat_template(json.dumps(messages), template_str=self.chat_template, add_generation_prompt=begin)
        return self(text, add_special_tokens=False)
