"""The MLX engine on the bundled model: against a plain loop without a cache, and against the transformers engine."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import mlx.core as mx
import numpy as np
import pytest
from mlx_lm.models import gemma3_text, mamba
from mlx_lm.models.cache import ChunkedKVCache

from edt_sampling import Filters, policy, uniforms
from edt_sampling.engines import mlx as engines
from edt_sampling.engines import transformers
from edt_sampling.engines.decoding.engine import LogitsEngine
from edt_sampling.engines.mlx.model import MlxModel
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling import reference

mx.disable_compile()  # compiling takes longer than these tests
PROMPT = "Return the sum of all elements of an array."
SPECS = ("fixed:temperature=0", "edt:t0=0.9,theta=0.5", "instance-edt-running:t0=1,theta=0.5", "kl-guided:t0=1.2,bandwidth=0.5")
STEPS = 6


def request(specs=SPECS, filters="temperature,top_p=0.95", **options) -> Request:
    chosen = tuple(Setting(policy=policy(spec), filters=Filters.parse(filters)) for spec in specs)
    given = {"id": 3, "prompt": PROMPT, "without": "Return:", "settings": chosen, "samples": 2, "seed": 1, "max_new_tokens": STEPS}
    return Request(**(given | options))


@pytest.fixture(scope="module")
def engine() -> LogitsEngine:
    return engines.load(dtype="float32")


@pytest.fixture(scope="module")
def other():
    return transformers.load(threads=1)


@pytest.fixture(scope="module")
def completions(engine):
    (found,) = engine.generate([request()])
    return found


def test_generating_equals_a_plain_loop(engine, completions):
    """The model without a cache, a row at a time, the oracle's draw under the request's counted numbers."""
    model, tokenizer = engine.model._model, engine.model.tokenizer
    chosen, text = request().settings[1], []
    for step, u in enumerate(uniforms(1, 3, 1, STEPS)):
        logits = np.array(model(mx.array([tokenizer(PROMPT)["input_ids"] + text]))[:, -1])
        drawn = reference.draw(logits, reference.mixture([chosen.policy]), uniform=[u], filters=chosen.filters)
        text.append(int(drawn.token[0]))
        assert completions[3].trace.temperature[step] == pytest.approx(drawn.temperature[0], rel=1e-4)
    assert completions[3].trace.tokens.tolist() == text


def test_texts_are_those_of_the_transformers_engine(completions, other):
    """Greedy, drawn, running mean and KL-guided alike: the same numbers draw the same tokens."""
    (expected,) = other.generate([request()])
    assert [c.trace.tokens.tolist() for c in completions] == [c.trace.tokens.tolist() for c in expected]
    assert [c.text for c in completions] == [c.text for c in expected]
    for found, wanted in zip(completions, expected, strict=True):
        np.testing.assert_allclose(found.trace.entropy, wanted.trace.entropy, atol=1e-3)
        np.testing.assert_allclose(found.trace.temperature, wanted.trace.temperature, atol=1e-3)


def test_a_row_alone_writes_what_it_writes_in_a_batch(engine, completions):
    for setting in (1, 3):
        (alone,) = engine.generate([replace(request(), settings=(request().settings[setting],), samples=1)])
        assert alone[0].trace.tokens.tolist() == completions[2 * setting].trace.tokens.tolist()


def test_rows_that_end_leave_the_others_as_they_are(engine, completions):
    """A stop string ends some rows early, and the cache is compacted."""
    word = completions[0].text.split()[1]
    (found,) = engine.generate([request(stop=(f" {word}",))])
    assert {c.finish for c in found} >= {"stop"}
    for a, b in zip(found, completions, strict=True):
        assert b.trace.tokens.tolist()[: len(a.trace.tokens)] == a.trace.tokens.tolist()


def test_forcing_and_reading_are_those_of_the_transformers_engine(engine, other):
    text = "Sum of array elements over a given axis"
    found, expected = engine.force(request(), text), other.force(request(), text)
    assert found.tokens.tolist() == expected.tokens.tolist()
    for name in ("entropy", "temperature", "tempered_entropy"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), atol=1e-3)
    np.testing.assert_allclose(found.nll, expected.nll, rtol=1e-3, atol=1e-3)
    a, b = engine.read(PROMPT, text), other.read(PROMPT, text)
    np.testing.assert_allclose(a.probability, b.probability, atol=1e-3)
    assert a.rank.tolist() == b.rank.tolist()


def test_logits_in_several_chunks_are_those_of_one_pass(engine, monkeypatch):
    tokens = list(range(5, 25))
    whole = engine.model.logits(tokens, last=12)
    monkeypatch.setattr("edt_sampling.engines.mlx.model.WIDE", 5)
    np.testing.assert_allclose(engine.model.logits(tokens, last=12), whole, atol=1e-4)


def test_the_cache_is_split_where_it_would_not_fit(engine, completions):
    """Room for two rows of this prompt: eight rows decode two at a time, KL-guided ones one at a time, and draw the same."""
    model = engine.model
    length = len(model.tokenizer(PROMPT)["input_ids"])
    room = int(2.5 * model._bytes_a_position * (length + STEPS + 256))
    small = MlxModel(model._model, wrapped(model), name="small", fingerprint="", positions=1024, cache_bytes=room)
    assert small.rows_at_once(length, room=STEPS) == 2
    (found,) = LogitsEngine(small).generate([request()])
    assert [c.trace.tokens.tolist() for c in found] == [c.trace.tokens.tolist() for c in completions]
    none = MlxModel(model._model, wrapped(model), name="none", fingerprint="", positions=1024, cache_bytes=1000)
    with pytest.raises(ValueError, match="not one row fits this engine's cache"):
        LogitsEngine(none).check(request())


class Wrapped:
    """What mlx-lm puts around a tokenizer."""

    def __init__(self, tokenizer, ends):
        self._tokenizer, self.eos_token_ids = tokenizer, set(ends)


def wrapped(model: MlxModel) -> Wrapped:
    return Wrapped(model.tokenizer, model.end_tokens)


def tiny_mamba():
    return mamba.Model(
        mamba.ModelArgs(
            model_type="mamba", vocab_size=64, hidden_size=16, intermediate_size=32, state_size=4, num_hidden_layers=2, conv_kernel=4,
            use_bias=False, use_conv_bias=True, time_step_rank=2,
        )
    )  # fmt: skip


def tiny_gemma():
    """Two of three layers see a window of 8 positions."""
    return gemma3_text.Model(
        gemma3_text.ModelArgs(
            model_type="gemma3_text", vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
            head_dim=8, num_key_value_heads=1, sliding_window=8, sliding_window_pattern=3, query_pre_attn_scalar=8,
        )
    )  # fmt: skip


@pytest.mark.parametrize("make", [tiny_mamba, tiny_gemma])
def test_states_and_windows_are_copied_and_compacted_too(engine, make):
    """A stream of three rows, one let go on the way, against passes over the whole text."""
    mx.random.seed(0)
    net = make()
    mx.eval(net.parameters())
    model = MlxModel(net, wrapped(engine.model), name="tiny", fingerprint="", positions=None)
    prompt, fed = list(range(1, 13)), [[5, 6, 7], [8, 9], [3, 4]]
    stream = model.begin(prompt, rows=3, room=4)
    texts = [list(prompt) for _ in range(3)]
    for step, tokens in enumerate(fed):
        if step == 1:
            stream.keep(np.array([0, 2]))
            texts = [texts[0], texts[2]]
        stream.step(np.array(tokens))
        for text, token in zip(texts, tokens, strict=True):
            text.append(token)
        for row, text in enumerate(texts):
            np.testing.assert_allclose(stream.logits[row], model.logits(text, last=1)[0], atol=1e-4)
    assert stream.bytes > 0


def test_a_cache_that_mlx_lm_cannot_batch_is_refused(engine):
    class Chunked:
        layers = (None,)

        def make_cache(self):
            return [ChunkedKVCache(8)]

    with pytest.raises(
        ValueError, match=r"^model 'x' keeps its state in ChunkedKVCache, which mlx-lm cannot batch: use engine transformers$"
    ):
        MlxModel(Chunked(), wrapped(engine.model), name="x", fingerprint="", positions=None)


def test_stored_weights_stay_as_they_are_unless_asked(engine):
    assert engine.describe()["dtype"] == "float32"
    stored = engines.load()
    assert stored.describe()["dtype"] == "bfloat16"
    assert stored.model.logits([5, 6], last=1).dtype == np.float32
    assert stored.describe()["parameters"] == engine.describe()["parameters"] == 5_795_072
    assert stored.fingerprint == engine.fingerprint


def test_bad_input(engine, tmp_path):
    with pytest.raises(ValueError, match=r"^dtype must be auto, float32, bfloat16, float16, got 'int8'$"):
        engines.load(dtype="int8")
    with pytest.raises(FileNotFoundError, match=r"holds no config\.json"):
        engines.load(model=str(tmp_path))
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(OSError, match=r"^model '.*' cannot be loaded: [^\n]+$"):
        engines.load(model=str(tmp_path))
    with pytest.raises(ValueError, match="runs models as they are served, without dropout"):
        engine.read(PROMPT, "x", dropout=1)
    with pytest.raises(ValueError, match="exceed the 1024 positions of 'bundled'"):
        engine.check(request(max_new_tokens=1020))
    with pytest.raises(ValueError, match="has no chat template"):
        engines.load(chat=True)


def test_the_pages_blocks_run_to_the_letter(capsys):
    """One session, from top to bottom; bash blocks are for a shell."""
    page = (Path(__file__).parents[2] / "docs" / "engines" / "mlx.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    session: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "page", "exec"), session)
    printed = capsys.readouterr().out
    assert re.search(r"H \d+\.\d+ T \d\.\d+", printed)
    assert all(0 < len(tokens) <= 8 for tokens in session["texts"].values())
    assert session["completion"].text in printed
    assert session["completion"].text.strip()
