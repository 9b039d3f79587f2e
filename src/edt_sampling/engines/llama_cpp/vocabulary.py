"""A tokenizer.json in GGUF's terms: byte-level BPE, its merges, its special tokens, and how it splits text first."""
# pyright: reportMissingImports=false

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf

ELSEWHERE = "convert the model with llama.cpp's own convert_hf_to_gguf.py"
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"  # Llama 3's
)


def write_vocabulary(writer: gguf.GGUFWriter, folder: Path, *, size: int) -> None:
    """Adds the tokenizer of a transformers folder to a GGUF file of ``size`` tokens; numbers that name no token are filled up as unused.

    Raises ValueError for a tokenizer that is not byte-level BPE, or that splits text in a way which llama.cpp has no name for here.
    """
    whole = _read(folder / "tokenizer.json")
    settings = _read(folder / "tokenizer_config.json")
    model = whole["model"]
    if model.get("type") != "BPE" or model.get("byte_fallback") or whole.get("normalizer") is not None:
        raise ValueError(f"tokenizer of {str(folder)!r} must be byte-level BPE without a normalizer: {ELSEWHERE}")
    tokens, types = _tokens(model["vocab"], whole.get("added_tokens", []), size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_splitting(whole.get("pre_tokenizer"), folder))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]])
    _write_special(writer, settings, {token: number for number, token in enumerate(tokens)})
    writer.add_add_bos_token(_begins(whole.get("post_processor")))
    if template := _chat_template(folder, settings):
        writer.add_chat_template(template)


def _tokens(vocab: Mapping[str, int], added: list[dict[str, Any]], size: int) -> tuple[list[str], list[gguf.TokenType]]:
    """Every token's text and kind by number: special ones are control tokens, other added ones the user's."""
    texts = {number: text for text, number in vocab.items()}
    kinds = dict.fromkeys(texts, gguf.TokenType.NORMAL)
    for token in added:
        texts[token["id"]] = token["content"]
        kinds[token["id"]] = gguf.TokenType.CONTROL if token["special"] else gguf.TokenType.USER_DEFINED
    if max(texts) >= size:
        raise ValueError(f"tokenizer.json holds token {max(texts)}, but config.json says vocab_size {size}: they must belong together")
    return [texts.get(i, f"[PAD{i}]") for i in range(size)], [kinds.get(i, gguf.TokenType.UNUSED) for i in range(size)]


def _splitting(pre_tokenizer: dict[str, Any] | None, folder: Path) -> str:
    """llama.cpp's name for how text is cut into words before merging."""
    steps = (pre_tokenizer or {}).get("pretokenizers", [pre_tokenizer])
    shapes = [_shape(step) for step in steps if step is not None]
    names: dict[Any, str] = {
        (("ByteLevel", True),): "gpt-2",
        (("Digits", True), ("ByteLevel", True)): "smollm",
        (("Split", _LLAMA3), ("ByteLevel", False)): "llama-bpe",
    }
    prefixed = any(step.get("add_prefix_space") for step in steps if step is not None)
    if tuple(shapes) not in names or prefixed:
        raise ValueError(f"tokenizer of {str(folder)!r} splits text in a way that is not one of {', '.join(names.values())}: {ELSEWHERE}")
    return names[tuple(shapes)]


def _shape(step: dict[str, Any]) -> tuple[str, Any]:
    """What tells one way of splitting from another."""
    kind = step["type"]
    if kind == "ByteLevel":
        return kind, step.get("use_regex", True)
    if kind == "Digits":
        return kind, step["individual_digits"]
    return kind, step.get("pattern", {}).get("Regex")


def _write_special(writer: gguf.GGUFWriter, settings: Mapping[str, Any], numbers: Mapping[str, int]) -> None:
    adds = {
        "bos_token": writer.add_bos_token_id,
        "eos_token": writer.add_eos_token_id,
        "unk_token": writer.add_unk_token_id,
        "pad_token": writer.add_pad_token_id,
    }
    for name, add in adds.items():
        token = settings.get(name)
        text = token["content"] if isinstance(token, dict) else token
        if text is not None:
            if text not in numbers:
                raise ValueError(f"tokenizer_config.json: {name} {text!r} is not a token of tokenizer.json")
            add(numbers[text])


def _begins(post_processor: dict[str, Any] | None) -> bool:
    """Whether the tokenizer puts a special token in front of a text."""
    if post_processor is None:
        return False
    if post_processor["type"] == "Sequence":
        return any(_begins(step) for step in post_processor["processors"])
    return post_processor["type"] == "TemplateProcessing" and "SpecialToken" in post_processor["single"][0]


def _chat_template(folder: Path, settings: Mapping[str, Any]) -> str | None:
    beside = folder / "chat_template.jinja"
    return beside.read_text(encoding="utf-8") if beside.is_file() else settings.get("chat_template")


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileNotFoundError(f"model folder {str(file.parent)!r} holds no {file.name}")
    return json.loads(file.read_text(encoding="utf-8"))
