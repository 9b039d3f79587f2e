"""What the trainer is given: labels on the answer alone, and packed rows whose examples do not see each other."""

from __future__ import annotations

import json
from pathlib import Path
from types import MethodType

import pytest
import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel, LlamaTokenizerFast

from edt_sampling.engines.decoding.prompts import Prompts
from edt_sampling.engines.transformers import load
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.tasks import Example, load_task
from edt_sampling.training.lora.examples import IGNORED, Row, blanks, read_split, row_of
from edt_sampling.training.lora.noise import quiet
from edt_sampling.training.lora.packing import PackedRows, check_separation, packed, read_tokens
from edt_sampling.training.lora.record import Record


def batches(begin, **fields) -> list[dict[str, torch.Tensor]]:
    """The first pass over the train examples, as the model will get them."""
    session = begin(**fields)
    session.folder.mkdir(parents=True)
    with quiet():
        return list(session._trainer(Record(session.folder), resumed=0).get_train_dataloader())


def test_collated_labels_are_the_answer_and_its_end_alone(begin, byte_tokenizer, data):
    """Padding is the end token here, and is told apart from the one that is learnt."""
    answers = {e.prompt: e.references[0] for e in load_task(data, split="train").examples()}
    seen = 0
    for batch in batches(begin):
        assert (batch["labels"] == IGNORED).any()
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"], strict=True):
            learnt = labels != IGNORED
            prompt, answer = (byte_tokenizer.decode(ids[which]) for which in (mask.bool() & ~learnt, learnt))
            assert answer == f" {answers[prompt]}<|end|>"
            assert ids[learnt].tolist() == labels[learnt].tolist()
            assert ids[learnt][-1] == byte_tokenizer.eos_token_id
            assert not learnt[~mask.bool()].any(), "padding is not learnt"
            seen += 1
    assert seen == len(answers) == 24


def test_rows_are_tokenised_as_for_teacher_forcing():
    """With a tokenizer that has merges, and one that begins texts with a token of its own."""
    engine = load(model="bundled")
    example = Example(id="0", prompt="Compute the sum.\n\nOne-line summary:", references=("Return it.", "No."))
    row = row_of(example, engine._prompts)
    setting = Setting(policy=policy("fixed:temperature=1"))
    forced = engine.force(Request(id=0, prompt=example.prompt, settings=(setting,)), "Return it.")
    learnt = [label for label in row.labels if label != IGNORED]
    assert learnt == forced.tokens.tolist()
    assert row.input_ids == engine.tokenizer(example.prompt)["input_ids"] + learnt
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, "▁a": 3, "▁b": 4, "a": 5}
    llama = LlamaTokenizerFast(vocab=vocabulary, merges=[])
    row = row_of(Example(id="0", prompt="a", references=("b",)), Prompts(llama, name="llama", positions=None, chat=False))
    assert row.labels[-1] == llama.eos_token_id
    assert row.labels.count(IGNORED) == len(llama("a")["input_ids"])


def test_examples_that_are_too_long_are_left_out_and_counted(byte_tokenizer, tmp_path: Path):
    file = tmp_path / "long.jsonl"
    lines = [{"prompt": "p" * n, "reference": "r", "split": "train"} for n in (5, 50, 10, 51)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    prompts = Prompts(byte_tokenizer, name="bytes", positions=None, chat=False)
    found = read_split(load_task(file, split="train"), prompts, limit=None, max_length=53)
    assert [len(row.input_ids) for row in found.rows] == [8, 53, 13], "a space, the r and the end go behind the prompt"
    assert (found.left_out, found.answer_tokens, found.describe()["tokens"]) == (1, 9, 74)
    assert [len(row.input_ids) for row in read_split(load_task(file, split="train"), prompts, limit=2, max_length=None).rows] == [8, 53]
    with pytest.raises(ValueError, match=r"max_length: all 4 train examples of .* are longer than 7 tokens \(the shortest has 8\)"):
        read_split(load_task(file, split="train"), prompts, limit=None, max_length=7)


def test_blanks_fill_up_and_teach_nothing():
    rows = [Row([1, 2, 3], [IGNORED, 2, 3]), Row([4, 5], [IGNORED, 5])]
    assert blanks(rows, 2) == []
    assert blanks(rows, 5) == [Row([4, 5], [IGNORED, IGNORED])] * 3


@pytest.fixture
def gpt2():
    """Positions that are learnt: a wrong one changes everything."""
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=257, n_embd=32, n_layer=2, n_head=4, n_positions=96, initializer_range=0.2)).eval()


ROWS = [Row([9 + 7 * i % 11] * (4 + i) + [20 + i, 30, 0], [IGNORED] * (4 + i) + [20 + i, 30, 0]) for i in range(6)]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_packed_examples_have_the_losses_that_they_have_alone(kind, request):
    given = request.getfixturevalue(kind)
    model = AutoModelForCausalLM.from_pretrained(given) if isinstance(given, str) else given
    rows = packed(ROWS, 32)
    assert sorted(length for row in rows for length in row["seq_lengths"]) == sorted(len(row.input_ids) for row in ROWS)
    assert all(sum(row["seq_lengths"]) <= 32 for row in rows)
    assert len(rows) < len(ROWS)
    batch = PackedRows(padding=0)(list(rows))
    assert batch["labels"].shape == batch["position_ids"].shape == (len(rows), max(sum(row["seq_lengths"]) for row in rows))
    assert int((batch["labels"] != IGNORED).sum()) == 3 * len(ROWS)
    assert int(read_tokens(batch["position_ids"])) == sum(len(row.input_ids) for row in ROWS)
    together = nats(model, batch["input_ids"], batch["labels"], position_ids=batch["position_ids"])
    alone = [nats(model, torch.tensor([row.input_ids]), torch.tensor([row.labels])) for row in ROWS]
    torch.testing.assert_close(together.sort().values, torch.cat(alone).sort().values)


def nats(model, ids: torch.Tensor, labels: torch.Tensor, **more: torch.Tensor) -> torch.Tensor:
    """Of each learnt token."""
    with torch.no_grad():
        logs = model(input_ids=ids, use_cache=False, **more).logits[:, :-1].log_softmax(-1)
    learnt = labels[:, 1:] != IGNORED
    return -logs.gather(-1, ids[:, 1:, None])[..., 0][learnt]


def test_a_model_that_cannot_keep_them_apart_is_refused(gpt2):
    check_separation(gpt2, ROWS, name="gpt2")
    whole = gpt2.forward
    gpt2.forward = MethodType(lambda self, position_ids=None, **more: whole(**more), gpt2)
    with pytest.raises(ValueError, match="packing: 'gpt2' does not keep packed examples apart"):
        check_separation(gpt2, ROWS, name="gpt2")


def test_a_packed_step_is_the_step_of_its_examples_alone(begin):
    """All 24 examples in one step, packed and not: the same loss, and the same weights behind it."""
    one_step = {"max_steps": 1, "eval_every": 1, "dropout": 0.0, "warmup": 0.0}
    plain = begin(**one_step, batch_size=24)
    rows = len(packed(plain.material.train.rows, 96))
    assert rows < 12
    records = [session.run() for session in (plain, begin(**one_step, batch_size=rows, packing=True))]
    for number in (0, 1):
        assert records[1].log[number]["dev_loss"] == pytest.approx(records[0].log[number]["dev_loss"], abs=1e-5)
    assert records[1].log[1]["train_loss"] == pytest.approx(records[0].log[1]["train_loss"], abs=1e-5)
    assert records[1].log[1]["tokens"] == records[0].log[1]["tokens"]
