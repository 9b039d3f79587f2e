"""``edt generate`` on a small model: what it prints, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from transformers import GPT2Config, GPT2LMHeadModel

from edt_sampling.cli import main
from edt_sampling.cli.generate import command
from edt_sampling.protocol import Completion, Trace
from edt_sampling.training.tokenizer import train_tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=32, n_layer=1, n_head=2, n_positions=128)).save_pretrained(folder)
    train_tokenizer(["Return the sum of an array."], vocabulary=300, context=128).save_pretrained(folder)
    return str(folder)


def generate(*arguments: str, text: str | None = None):
    return CliRunner().invoke(command, list(arguments), input=text)


def test_a_json_line_a_text_with_every_token(model):
    result = generate("Return the", "--model", model, "--samples", "2", "--max-new-tokens", "5", "--seed", "3", "--json",
                      "--policy", "edt:t0=0.8,theta=0.2", "--policy", "fixed:temperature=0")  # fmt: skip
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(r["policy"], r["sample"]) for r in records] == [
        ("edt:t0=0.8,theta=0.2", 0), ("edt:t0=0.8,theta=0.2", 1), ("fixed:temperature=0", 0), ("fixed:temperature=0", 1),
    ]  # fmt: skip
    for record in records:
        assert record["text"].startswith("".join(t["text"] for t in record["tokens"])[:3])
        assert all(0 <= t["T"] <= 0.8 and t["H"] >= 0 and 0 < t["p"] <= 1 for t in record["tokens"])
    assert records[2]["text"] == records[3]["text"]


def test_the_text_comes_with_lines_of_h_and_t(model):
    result = generate("Return the", "--model", model, "--max-new-tokens", "6")
    assert result.exit_code == 0
    assert "H ▁" in result.stdout or "H █" in result.stdout or "H ▇" in result.stdout
    assert " nats, " in result.stdout
    assert "mean" in result.stdout
    assert result.stdout.rstrip().splitlines()[-1].startswith("T 0 ■■■■■■■■ ")


def test_the_prompt_may_come_from_a_file_or_standard_input(model, tmp_path):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Return the")
    options = ("--model", model, "--max-new-tokens", "4", "--json")
    told = generate("Return the", *options).stdout
    assert generate("--file", str(prompt), *options).stdout == told
    assert generate(*options, text="Return the").stdout == told


def test_the_same_seed_writes_the_same_text(model):
    options = ("Return the", "--model", model, "--max-new-tokens", "8", "--json", "--seed")
    assert generate(*options, "1").stdout == generate(*options, "1").stdout != generate(*options, "2").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x", "--policy", "edtt:t0=1"], "unknown policy 'edtt'"),
        (["x", "--policy", "edt:t0=1,theta=-1"], "theta must be a finite number >= 0, got -1"),
        (["x", "--policy", "edt:t0=-1,theta=1"], "t0 must be a finite number >= 0, got -1"),
        (["x", "--filters", "top_q=1"], "top_q"),
        (["x", "--samples", "0"], "samples must be >= 1, got 0"),
        (["x", "--max-new-tokens", "0"], "max_new_tokens must be >= 1, got 0"),
        (["x", "--stop", ""], "stop must not hold an empty string"),
        ([" "], "the prompt from PROMPT is empty"),
        (["x", "--model", "./nowhere"], "'./nowhere' is not a folder"),
        (["x", "--file", "/no/such/file"], "No such file"),
        (["x", "--dtype", "int3"], "dtype must be"),
    ],
)
def test_bad_input_ends_in_one_line(arguments, message, capsys):
    assert main(["generate", *arguments]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1
    assert told[0].startswith("edt: ")
    assert message in told[0]


class TextsAlone:
    """An engine that shows no distributions."""

    observes = False

    def generate(self, requests):
        nothing = np.full(2, np.nan)
        trace = Trace(tokens=np.array([-1, -1]), entropy=nothing, temperature=nothing, probability=nothing)
        yield [Completion(request=0, setting=0, sample=0, text="a server's text", finish="length", trace=trace)]

    def pieces(self, tokens):
        raise ValueError("the tokenizer is the server's")


def test_an_engine_that_shows_texts_alone(monkeypatch):
    monkeypatch.setattr("edt_sampling.engines.load_engine", lambda name, **options: TextsAlone())
    told = generate("a prompt", "--engine", "openai", "--base-url", "http://x/v1", "--model", "m", "--policy", "fixed:temperature=0.5")
    assert told.exit_code == 0
    assert "a server's text" in told.stdout
    assert "nats" not in told.stdout
    record = json.loads(generate("a prompt", "--model", "m", "--policy", "fixed:temperature=0.5", "--json").stdout)
    assert (record["text"], record["tokens"]) == ("a server's text", None)
