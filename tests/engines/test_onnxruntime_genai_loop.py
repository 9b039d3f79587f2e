"""GenAI's own loop with our temperatures, our loop over its logits, and the tokenizer, on the bundled model."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import onnxruntime_genai as og
import pytest
from scipy import stats

from edt_sampling import policy
from edt_sampling.engines.onnxruntime_genai import PolicyTemper, export, generate
from edt_sampling.engines.onnxruntime_genai.builder import bundled_onnx
from edt_sampling.engines.onnxruntime_genai.tokenizer import GenaiTokenizer
from edt_sampling.engines.source import model_source
from edt_sampling.engines.transformers.loading import read_tokenizer
from edt_sampling.sampling import Filters, reference

VOCAB = 4096
ROWS = 32
PROMPT = "Return the sum of all elements."
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The bundled model as ONNX, exported into a cache that all workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"))
        return bundled_onnx()


@pytest.fixture(scope="module")
def model(folder):
    config = og.Config(str(folder))
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": 1}}}}))
    return og.Model(config)


def new(model, *, rows: int = 1, length: int = 60, **options):
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(max_length=length, batch_size=rows, **options)
    generator = og.Generator(model, parameters)
    generator.append_tokens(np.full((rows, 2), 5, dtype=np.int32))
    return generator


def own_loop(model, prompt, steps: int, temper=None, **options) -> list[int]:
    """The tokens of GenAI's own loop, ``temper`` called ahead of each."""
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(max_length=len(prompt) + steps + 1, **options)
    generator, found = og.Generator(model, parameters), []
    generator.append_tokens(np.array([prompt], dtype=np.int32))
    while len(found) < steps and not generator.is_done():
        if temper:
            temper(generator)
        generator.generate_next_token()
        found.append(int(generator.get_next_tokens()[0]))
    return found


def test_tempered_rows_are_the_oracles():
    """Mixed policies over tied, masked and peaked rows: softmax of what goes back to GenAI is softmax(logits / T)."""
    rng = np.random.default_rng(0)
    logits = (rng.normal(size=(6, 300)) * 3).astype(np.float32)
    logits[0], logits[1, :200], logits[2, 7] = np.round(logits[0]), -np.inf, 40
    specs = [
        "edt:t0=0.8,theta=0.2",
        "udt:t0=1,theta=0.1",
        "fixed:temperature=0.7",
        "fixed:temperature=0",
        "edt:t0=0.9,theta=0",
        "fixed:temperature=1e200",
    ]
    temper = PolicyTemper(specs)
    found = temper.tempered(logits).astype(np.float64)
    t = reference.temperature(logits, reference.mixture([policy(s) for s in specs]))
    np.testing.assert_allclose(temper.temperature, t, rtol=1e-6)
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    for row in range(6):
        expected = np.exp(shifted[row] / max(t[row], 1e-4))
        expected = expected if t[row] >= 1e-4 else np.arange(300) == logits[row].argmax()
        np.testing.assert_allclose(np.exp(found[row]) / np.exp(found[row]).sum(), expected / expected.sum(), atol=1e-6)


def test_a_cold_policy_writes_genais_greedy_text(model):
    prompt = og.Tokenizer(model).encode(PROMPT)
    greedy = own_loop(model, prompt, 12, do_sample=False)
    assert own_loop(model, prompt, 12, PolicyTemper("fixed:temperature=0"), do_sample=True, temperature=1.0, random_seed=3) == greedy
    assert list(generate(model, prompt=prompt, policy="edt:t0=1,theta=1e9", max_new_tokens=12)) == greedy


@pytest.mark.parametrize("spec", ["edt:t0=0.9,theta=0.5", "instance-edt:t0=1,theta=0.5", "instance-edt-running:t0=1,theta=0.5"])
def test_every_step_gets_the_oracles_temperature(model, spec):
    """The logits read ahead of tempering, step by step; 'first' and 'running' entropies by their definitions."""
    temper, entropies, seen = PolicyTemper(spec), [], []

    def noting(generator):
        logits = generator.get_logits()[:, -1]
        entropies.append(reference.statistics(logits).entropy)
        kept = {"first_entropy": entropies[0], "running_entropy": np.mean(entropies, axis=0)}
        expected = reference.temperature(logits, reference.mixture([policy(spec)]), **kept)
        temper(generator)
        seen.append((temper.temperature[0], expected[0]))

    own_loop(model, og.Tokenizer(model).encode(PROMPT), 6, noting, do_sample=True, top_k=VOCAB, temperature=1.0, random_seed=0)
    found, expected = np.array(seen).T
    assert len(found) == 6
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.ptp(found) > 0 or spec.startswith("instance-edt:")


P = np.array([0.4, 0.3, 0.15, 0.1, 0.05])


def draws(model, spec: str | None, *, steps: int = 30, **options) -> np.ndarray:
    """How often each of five tokens is drawn from ``P``, 960 times, by GenAI."""
    logits = np.full((ROWS, 1, VOCAB), -np.inf, dtype=np.float32)
    logits[:, 0, 10:15] = np.log(P)
    generator, counts = new(model, rows=ROWS, do_sample=True, random_seed=1, **options), np.zeros(VOCAB)
    for _ in range(steps):
        generator.get_logits()
        generator.set_logits(logits)
        if spec:
            PolicyTemper(spec)(generator)
        generator.generate_next_token()
        counts += np.bincount(generator.get_next_tokens(), minlength=VOCAB)
    assert counts.sum() == counts[10:15].sum() == ROWS * steps
    return counts[10:15]


def test_genai_draws_from_the_tempered_distribution(model):
    """Chi-square at level 1e-4 over 960 draws: 4 degrees of freedom. Power: T wrong by half is found, shown by the same test."""
    counts = draws(model, "edt:t0=0.7,theta=0.3", top_k=VOCAB, temperature=1.0)
    t = reference.temperature(np.log(P)[None], reference.mixture([policy("edt:t0=0.7,theta=0.3")]))[0]
    for temperature, holds in ((t, True), (1.5 * t, False)):
        p = P ** (1 / temperature)
        assert (stats.chisquare(counts, counts.sum() * p / p.sum()).pvalue > 1e-4) == holds


def test_genais_top_p_comes_behind_the_temperature_and_needs_a_top_k(model):
    """At T = 2 top-p 0.65 keeps three of ``P``, at T = 1 two; with top_k=0 GenAI leaves top-p out without a word."""
    for given, spec in (({"temperature": 2.0}, None), ({"temperature": 1.0}, "fixed:temperature=2")):
        assert (draws(model, spec, top_p=0.65, top_k=VOCAB, **given) > 0).tolist() == [True, True, True, False, False]
    assert (draws(model, None, top_p=0.65, top_k=VOCAB, temperature=1.0) > 0).tolist() == [True, True, False, False, False]
    assert (draws(model, "fixed:temperature=1", top_p=0.65, top_k=0, temperature=1.0) > 0).all()


def test_genais_penalties_and_guidance_come_behind_ours(model):
    """get_logits shows neither: the entropy that a policy reads is the model's own."""
    plain, penalised = new(model, do_sample=False), new(model, do_sample=False, repetition_penalty=3.0)
    np.testing.assert_array_equal(plain.get_logits(), penalised.get_logits())
    wanted = np.full((1, 1, VOCAB), -5, dtype=np.float32)
    wanted[0, 0, 5], wanted[0, 0, 6] = 1.0, 0.9
    for generator, token in ((plain, 5), (penalised, 6)):  # 5 stands in the prompt
        generator.set_logits(wanted)
        generator.generate_next_token()
        assert generator.get_next_tokens()[0] == token
    parameters = og.GeneratorParams(model)
    parameters.set_search_options(max_length=20, do_sample=False)
    parameters.set_guidance("regex", "[0-9]+")
    guided = og.Generator(model, parameters)
    guided.append_tokens(np.array([[5, 5]], dtype=np.int32))
    temper = PolicyTemper("edt:t0=0.9,theta=0.5")
    temper(guided)
    assert temper.entropy == pytest.approx(reference.statistics(new(model).get_logits()[:, -1]).entropy, abs=1e-6)
    guided.generate_next_token()
    assert og.Tokenizer(model).decode(guided.get_next_tokens()).isdigit()


@pytest.mark.parametrize("filters", ["temperature", "top_p=0.9", "top_k=20,temperature,min_p=0.05", "mirostat=3"])
def test_generate_is_the_oracles_draw_step_by_step(model, filters):
    from edt_sampling import uniforms

    prompt = og.Tokenizer(model).encode(PROMPT)
    found = list(
        generate(model, prompt=prompt, policy="edt:t0=1,theta=0.3", filters=filters, seed=4, request=9, sample=2, max_new_tokens=6)
    )
    steps, mixture, generator, expected = Filters.parse(filters), reference.mixture([policy("edt:t0=1,theta=0.3")]), None, []
    allowed = 6.0
    for u in uniforms(4, 9, 2, 6):
        generator = og.Generator(model, og.GeneratorParams(model))
        generator.append_tokens(np.array([[*prompt, *expected]], dtype=np.int32))
        given = {"allowed_surprise": [allowed]} if "mirostat" in filters else {}
        drawn = reference.draw(generator.get_logits()[:, -1], mixture, uniform=[u], filters=steps, **given)
        allowed -= 0.1 * (-np.log2(drawn.probability[0]) - 3)
        expected.append(int(drawn.token[0]))
    assert found == expected


def test_generate_ends_with_the_end_token(model):
    prompt = og.Tokenizer(model).encode(PROMPT)
    found = list(generate(model, prompt=prompt, policy="fixed:temperature=0", max_new_tokens=40))
    assert found[-1] == 0
    assert 0 not in found[:-1]


def test_what_is_refused(model, folder):
    for call, message in (
        (
            lambda: PolicyTemper("kl-guided:t0=1,bandwidth=1"),
            "^policy kl-guided needs kl, which the ONNX Runtime GenAI loop does not keep$",
        ),
        (
            lambda: generate(model, prompt=[5], policy="scheduled"),
            "^policy scheduled needs scheduled, which the ONNX Runtime GenAI loop does",
        ),
        (lambda: generate(model, prompt=[], policy="edt:t0=1,theta=1"), "^prompt must hold at least one token, got none$"),
        (
            lambda: PolicyTemper(["edt:t0=1,theta=1"] * 2).tempered(np.zeros((3, 4), np.float32)),
            "^policies must be one, or one a row: got 2 for 3",
        ),
        (lambda: PolicyTemper("edt:t0=1,theta=1").tempered(np.array([[1, np.nan]], np.float32)), "^logits: row 0 holds NaN$"),
        (lambda: export("bundled", out=folder), "^out must be a new or empty folder, got"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def transformers_tokenizer():
    return read_tokenizer(model_source("bundled"), name="bundled")


def texts() -> list[str]:
    """Lines of our own pages, and what is not in them."""
    lines = [line for page in sorted(DOCS.glob("*.md")) for line in page.read_text(encoding="utf-8").splitlines()][::7]
    odd = [
        "",
        " ",
        "   ",
        "\n\n\t x",
        "é ü ñ",
        "漢字かな",
        "🙂👍🏽",
        "<|endoftext|>",
        "a<|endoftext|>b",
        "1234567",
        "I'LL don't",
        "\r\n",
        "\u200b\u00a0x",
        "ﬁ",
    ]
    return [*lines, *odd, *("  " * n + "def f(x):" for n in range(5))]


def test_the_tokenizer_is_transformers_own(model, folder):
    """Hundreds of strings there and back, with and without special tokens, and what half a character decodes to."""
    own, expected = GenaiTokenizer(model, folder), transformers_tokenizer()
    assert own.eos_token_id == expected.eos_token_id
    assert own.chat_template is None
    assert len(texts()) > 200
    for text in texts():
        ids = expected(text)["input_ids"]
        assert own(text)["input_ids"] == ids, text
        assert own(text, add_special_tokens=False)["input_ids"] == expected(text, add_special_tokens=False)["input_ids"]
        for skip in (False, True):
            assert own.decode(ids, skip_special_tokens=skip) == expected.decode(ids, skip_special_tokens=skip), text
    ids = expected("🙂")["input_ids"]
    assert own.decode(ids[:1]) == expected.decode(ids[:1])
    assert own.batch_decode([[5, 0], [6]], skip_special_tokens=True) == expected.batch_decode([[5, 0], [6]], skip_special_tokens=True)


def test_chat_messages_go_through_the_folders_template(model, folder, tmp_path):
    template = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<bot>{% endif %}"
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": {"content": "<|endoftext|>"}, "chat_template": template}))
    shutil.copy(folder / "tokenizer.json", tmp_path)
    own = GenaiTokenizer(model, tmp_path)
    ids = own.apply_chat_template([{"role": "user", "content": "hello"}], add_generation_prompt=True, return_dict=True)["input_ids"]
    assert ids == transformers_tokenizer()("<user>hello<bot>")["input_ids"]
    assert own.eos_token_id == 0
