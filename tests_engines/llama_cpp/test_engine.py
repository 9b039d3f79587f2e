"""The engine on a GGUF file: a plain loop's texts, transformers' numbers, rows that do not know of each other."""

import numpy as np
import pytest

from edt_sampling.engines.llama_cpp import load
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting
from edt_sampling.sampling import Filters, numba, reference, uniforms

PROMPT = 'def mean(x):\n    """Compute the mean of'
TEXTS = {
    PROMPT: " the numbers in the given array, along an axis.",
    "class Stack:\n    def push(self, item):\n": '    """Put an item on top of the stack.\n\n    Returns None."""',
    "# Grüße, 世界\n": "def f(n): return n * 2",
}
POLICIES = (
    "edt:t0=0.8,theta=0.5",
    "fixed:temperature=0.7",
    "udt:t0=1,theta=0.3",
    "instance-edt:t0=1,theta=1",
    "instance-edt-running:t0=1,theta=1",
    "instance-edt-prompt:t0=1,theta=1",
    "instance-edt-draft:t0=1,theta=1",
)


def settings(*policies: str, filters: str = "temperature,top_p=0.95") -> tuple[Setting, ...]:
    return tuple(Setting(policy=policy(p), filters=Filters.parse(filters)) for p in policies)


def request(*policies: str, **given) -> Request:
    return Request(**{"id": 3, "prompt": PROMPT, "settings": settings(*policies), "seed": 1, "max_new_tokens": 16} | given)


def tokens(completions) -> list[list[int]]:
    return [completion.trace.tokens.tolist() for completion in completions]


def test_a_text_is_that_of_a_plain_loop(engine):
    """The whole text is read again for every token, and the oracle draws."""
    model, spec = engine.model, "edt:t0=0.9,theta=0.5"
    text, entropies = list(model.tokenizer(PROMPT)["input_ids"]), []
    begun, mixture = len(text), reference.mixture([policy(spec)])
    for u in uniforms(seed=1, request=3, sample=0, steps=16):
        logits = model.logits(text, last=1)
        drawn = reference.draw(logits, mixture, uniform=np.array([u]), filters=Filters.parse("temperature,top_p=0.95"))
        text.append(int(drawn.token[0]))
        entropies.append(drawn.entropy[0])
        if text[-1] in model.end_tokens:
            break
    ((completion,),) = engine.generate([request(spec)])
    assert completion.trace.tokens.tolist() == text[begun:]
    assert completion.trace.entropy == pytest.approx(entropies, abs=1e-4)


def test_rows_are_read_where_they_lie_by_compiled_code(engine, monkeypatch):
    read, seen = numba.rows, []
    monkeypatch.setattr(numba, "rows", lambda logits: seen.append(logits) or read(logits))
    monkeypatch.setattr(reference, "draw", None)
    list(engine.generate([request("edt:t0=0.9,theta=0.5", "fixed:temperature=1", samples=2)]))
    assert {(rows.dtype.name, rows.flags.c_contiguous) for rows in seen} == {("float32", True)}


def test_a_batch_is_its_settings_alone(engine):
    (together,) = engine.generate([request(*POLICIES[:5], samples=3)])
    alone = [texts for p in POLICIES[:5] for texts in next(engine.generate([request(p, samples=3)]))]
    assert tokens(together) == tokens(alone)


def test_the_texts_are_those_of_transformers(engine, transformers_engine):
    asked = request(*POLICIES, samples=2)
    (ours,), (theirs,) = engine.generate([asked]), transformers_engine.generate([asked])
    assert tokens(ours) == tokens(theirs)
    assert [c.text for c in ours] == [c.text for c in theirs]


def test_guided_texts_are_those_of_transformers(engine, transformers_engine):
    asked = request("kl-guided:t0=1,bandwidth=1", "fixed:temperature=0.7", samples=2, without="def")
    (ours,), (theirs,) = engine.generate([asked]), transformers_engine.generate([asked])
    assert tokens(ours) == tokens(theirs)


def test_rows_end_at_their_own_stop_and_the_others_go_on(engine, transformers_engine):
    asked = request("fixed:temperature=1.2", samples=8, stop=(".", "\n"), max_new_tokens=40)
    (ours,), (theirs,) = engine.generate([asked]), transformers_engine.generate([asked])
    assert len({len(row) for row in tokens(ours)}) > 3
    assert [(c.text, c.finish) for c in ours] == [(c.text, c.finish) for c in theirs]


@pytest.mark.parametrize("prompt", TEXTS)
def test_forced_texts_read_as_in_transformers(engine, transformers_engine, prompt):
    asked = request(*POLICIES, prompt=prompt)
    ours, theirs = (e.force(asked, TEXTS[prompt]) for e in (engine, transformers_engine))
    assert ours.tokens.tolist() == theirs.tokens.tolist()
    for name in ("entropy", "temperature", "tempered_entropy"):
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), abs=1e-3)
    assert ours.nll == pytest.approx(theirs.nll, abs=1e-3, rel=1e-3)
    read, other = (e.read(prompt, TEXTS[prompt]) for e in (engine, transformers_engine))
    for name in ("entropy", "max_probability", "margin", "varentropy", "probability"):
        assert getattr(read, name) == pytest.approx(getattr(other, name), abs=1e-3)
    assert read.rank.tolist() == other.rank.tolist()


def test_a_text_longer_than_a_pass_reads_as_in_transformers(engine, transformers_engine):
    long = " ".join(f"x{i} = {i * i}" for i in range(90))
    ours, theirs = (e.force(request(*POLICIES[:1]), long) for e in (engine, transformers_engine))
    assert len(ours.tokens) > 2 * 256
    assert ours.entropy == pytest.approx(theirs.entropy, abs=1e-3)


def test_with_keys_and_values_in_float16_entropies_are_within_5e_3(gguf, transformers_engine):
    half = load(model=str(gguf), threads=1)
    assert half.describe()["cache"] == "f16"
    for prompt, text in TEXTS.items():
        ours, theirs = (e.force(request(*POLICIES[:1], prompt=prompt), text) for e in (half, transformers_engine))
        assert ours.entropy == pytest.approx(theirs.entropy, abs=5e-3)
        assert (ours.entropy != theirs.entropy).any()


def test_rows_wait_for_their_turn_where_the_cache_is_small(gguf, engine):
    asked = request(*POLICIES[:3], samples=4)
    cell = 6 * 2 * 256 * 4  # layers, keys and values, width, bytes
    prompt = len(engine.model.tokenizer(PROMPT)["input_ids"])
    small = load(model=str(gguf), threads=1, cache="f32", cache_bytes=cell * (prompt + 5 * 16))
    assert small.model.rows_at_once(prompt, room=16) == 5
    (whole,), (parts,) = engine.generate([asked]), small.generate([asked])
    assert tokens(whole) == tokens(parts)
    assert 0 < small.cache() <= cell * (prompt + 5 * 16) < engine.cache()
    none = load(model=str(gguf), threads=1, cache="f32", cache_bytes=cell * (prompt + 15))
    with pytest.raises(ValueError, match="not one row fits"):
        none.check(asked)


def test_llama_cpp_has_no_more_than_256_sequences(engine):
    assert engine.model.rows_at_once(10, room=1) == 256


def test_a_prompt_that_leaves_no_room_is_refused(engine):
    with pytest.raises(ValueError, match="exceed the 1024 positions"):
        engine.check(request(POLICIES[0], max_new_tokens=1020))


def test_it_says_what_it_ran_on(engine):
    described = engine.describe()
    assert described["engine"] == "llama-cpp"
    assert (described["parameters"], described["cache"], described["device"], described["threads"]) == (5795072, "f32", "cpu", 1)
    assert described["dtype"] == "all F32"
    assert "=" not in described["cpu"]
