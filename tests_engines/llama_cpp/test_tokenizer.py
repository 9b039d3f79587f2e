"""A GGUF file's vocabulary against transformers' tokenizer of the same model."""

import json
import random
import shutil
from pathlib import Path

import gguf
import pytest
from llama_cpp import llama_model_default_params
from llama_cpp._internals import LlamaModel
from transformers import AutoTokenizer

from edt_sampling.engines.llama_cpp.gguf import write_gguf
from edt_sampling.engines.llama_cpp.tokenizer import Tokenizer

ODD = "aB1 \t\n\r'.,é漢字ひ한글ﷺ٣४Ⅷ½²\u00a0\u3000\u200b\u2028\u0085\u1680\ufeff😀👩\u200d👧\u0301_-<|>'s'tLL{}()\x00\x1c"
CHAT = "{% for m in messages %}<|endoftext|>{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
LLAMA_3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
SPLIT = {"type": "Split", "pattern": {"Regex": LLAMA_3}, "behavior": "Isolated", "invert": False}
SPLITTING = {
    "gpt-2": BYTES | {"use_regex": True},
    "smollm": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTES | {"use_regex": True}]},
    "llama-bpe": {"type": "Sequence", "pretokenizers": [SPLIT, BYTES | {"use_regex": False}]},
}


def texts() -> list[str]:
    """Pieces of our own sources, and strings of odd characters."""
    rng, found = random.Random(0), ["<|endoftext|>", "a<|endoftext|>b", "", " " * 40, "\n\n \n", "don't I'LL we've 12345"]
    for file in sorted(Path(__file__).parent.glob("*.py")):
        source = file.read_text(encoding="utf-8")
        starts = [rng.randrange(len(source)) for _ in range(25)]
        found += [source[start : start + rng.randrange(1, 300)] for start in starts]
    found += ["".join(rng.choice(ODD) for _ in range(rng.randrange(1, 20))) for _ in range(500)]
    return found + [
        "".join(chr(rng.choice((rng.randrange(32, 0xD800), rng.randrange(0x10000, 0x20000)))) for _ in range(8)) for _ in range(300)
    ]


def opened(file: Path) -> Tokenizer:
    """The tokenizer alone."""
    parameters = llama_model_default_params()
    parameters.vocab_only = True
    return Tokenizer(LlamaModel(path_model=str(file), params=parameters, verbose=False))


def changed(bundled: Path, folder: Path, change, settings: dict | None = None) -> Path:
    """A copy of the bundled model with another tokenizer.json."""
    shutil.copytree(bundled, folder)
    for name, edit in (("tokenizer.json", change), ("tokenizer_config.json", lambda old: old | (settings or {}))):
        old = json.loads((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(json.dumps(edit(old)), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", SPLITTING)
def test_text_is_cut_into_the_same_tokens_and_put_together_again(bundled, tmp_path, name):
    folder = changed(bundled, tmp_path / "model", lambda old: old | {"pre_tokenizer": SPLITTING[name]})
    ours, theirs = opened(write_gguf(folder, tmp_path / "m.gguf")), AutoTokenizer.from_pretrained(folder)
    for text in texts():
        tokens = theirs(text)["input_ids"]
        assert ours(text)["input_ids"] == tokens, text
        assert ours.decode(tokens) == theirs.decode(tokens)
        assert ours.decode(tokens, skip_special_tokens=True) == theirs.decode(tokens, skip_special_tokens=True)


def test_the_ways_of_splitting_differ(bundled, tmp_path):
    """Otherwise the test above would say nothing."""
    cut = set()
    for name, splitting in SPLITTING.items():
        folder = changed(bundled, tmp_path / name, lambda old, splitting=splitting: old | {"pre_tokenizer": splitting})
        cut.add(tuple(tuple(ids) for ids in AutoTokenizer.from_pretrained(folder)(texts())["input_ids"]))
    assert len(cut) == len(SPLITTING)


def test_tokens_that_end_no_character_become_replacement_characters(bundled, engine):
    theirs, rng = AutoTokenizer.from_pretrained(bundled), random.Random(1)
    for _ in range(300):
        tokens = [rng.randrange(1, 260) for _ in range(rng.randrange(1, 9))]
        assert engine.model.tokenizer.decode(tokens) == theirs.decode(tokens)


def test_a_sentencepiece_vocabulary_begins_its_words_with_spaces_that_the_text_does_not_have(tmp_path):
    """Llama 2's kind, by pencil: <unk> <s> </s>, 256 bytes, then four pieces."""
    kind, file = gguf.TokenType, tmp_path / "m.gguf"
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", "a", "▁a", "b"]
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * 259 + [-3.0, -2.0, -1.0, -4.0])
    writer.add_token_types([kind.UNKNOWN, kind.CONTROL, kind.CONTROL, *[kind.BYTE] * 256, *[kind.NORMAL] * 4])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    tokenizer = opened(file)
    assert tokenizer("a a")["input_ids"] == [1, 261, 261]
    assert tokenizer("ab", add_special_tokens=False)["input_ids"] == [261, 262]
    assert tokenizer.decode([1, 261, 261], skip_special_tokens=True) == "a a"
    assert tokenizer.decode([261, 3 + 0xC3, 3 + 0xA9]) == "aé"
    assert tokenizer.eos_token_id == 2


def test_a_token_at_the_beginning_is_there_where_the_tokenizer_puts_one(bundled, tmp_path):
    begin = {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}

    def prefixed(old):
        special = {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}}
        return old | {
            "post_processor": old["post_processor"] | {"single": [begin, *old["post_processor"]["single"]], "special_tokens": special}
        }

    folder = changed(bundled, tmp_path / "model", prefixed)
    ours, theirs = opened(write_gguf(folder, tmp_path / "m.gguf")), AutoTokenizer.from_pretrained(folder)
    assert ours("mean")["input_ids"] == theirs("mean")["input_ids"]
    assert ours("mean")["input_ids"][0] == 0
    assert ours("mean", add_special_tokens=False)["input_ids"] == theirs("mean", add_special_tokens=False)["input_ids"]


def test_chat_messages_go_through_the_files_own_template(bundled, tmp_path):
    folder = changed(bundled, tmp_path / "model", lambda old: old, {"chat_template": CHAT})
    ours, theirs = opened(write_gguf(folder, tmp_path / "m.gguf")), AutoTokenizer.from_pretrained(folder)
    messages = [{"role": "user", "content": "Compute the mean"}]
    for prompted in (True, False):
        options = {"add_generation_prompt": prompted, "return_dict": True}
        assert ours.apply_chat_template(messages, **options)["input_ids"] == theirs.apply_chat_template(messages, **options)["input_ids"]


def test_without_a_template_messages_are_refused(engine):
    assert engine.model.tokenizer.chat_template is None
    with pytest.raises(ValueError, match="chat template"):
        engine.model.tokenizer.apply_chat_template([{"role": "user", "content": "x"}])
