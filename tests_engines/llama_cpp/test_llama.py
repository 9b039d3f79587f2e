"""Policies a request through llama-cpp-python's own interface, penalties, grammar and truncation of the request in force."""

import math
import subprocess
import sys

import numpy as np
import pytest
from llama_cpp import Llama, LlamaGrammar, LogitsProcessorList

import edt_sampling as edt
from edt_sampling.engines.llama_cpp import PolicyLlama
from edt_sampling.engines.llama_cpp.chain import chain_names
from edt_sampling.engines.llama_cpp.drawing import Drawing
from edt_sampling.engines.llama_cpp.tempering import Tempering
from edt_sampling.policies import policy
from edt_sampling.protocol import Request, Setting

PROMPT = 'def mean(x):\n    """Compute the mean of'
OPEN = {"top_k": 0, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0}  # llama-cpp-python's neutral values


@pytest.fixture
def placed(llama):
    """The model with the policy before another step; put back afterwards."""

    def place(step: str) -> PolicyLlama:
        llama.place = step
        return llama

    yield place
    llama.place = "top-k"


def generated(llama: Llama, tokens: int, **options) -> list[int]:
    llama.set_seed(4)
    steps = llama.generate(llama.tokenize(PROMPT.encode()), **options)
    return [next(steps) for _ in range(tokens)]


def logits_before(engine, tokens: list[int]) -> np.ndarray:
    """The logits from which each of the tokens was drawn."""
    prompt = engine.model.tokenizer(PROMPT)["input_ids"]
    return engine.model.logits([*prompt, *tokens[:-1]], last=len(tokens))


def text(answer: dict) -> str:
    return answer["choices"][0]["text"]


def test_the_steps_of_a_request_are_the_models_own_entropies(llama, engine):
    tokens = generated(llama, 12, edt="edt:t0=0.9,theta=0.5", **OPEN)
    logits = logits_before(engine, tokens)
    assert llama.steps.entropy == pytest.approx(edt.entropy(logits), abs=1e-4)
    assert llama.steps.temperature == pytest.approx(edt.temperature(logits, "edt:t0=0.9,theta=0.5"), abs=1e-4)


def test_the_policy_stands_behind_penalties_and_grammar_and_before_truncation(llama):
    llama(PROMPT, edt_theta=0.5, max_tokens=1, repeat_penalty=1.2, typical_p=0.9, grammar=LlamaGrammar.from_string('root ::= "a"'))
    names = chain_names(llama._sampler.sampler)
    assert [name.lstrip("?") for name in names] == ["penalties", "grammar", "edt", "top-k", "typical", "top-p", "min-p", "temp", "dist"]


def test_in_llama_cpps_own_order_the_policy_reads_what_truncation_left(placed):
    llama = placed("temp")
    llama(PROMPT, edt_theta=0.5, max_tokens=8, **OPEN | {"top_k": 3})
    assert chain_names(llama._sampler.sampler)[-1] == "edt"
    assert llama.steps.entropy.max() <= math.log(3)


@pytest.mark.parametrize("temperature", [0.3, 1.1])
def test_a_t0_that_is_left_out_is_the_requests_temperature(llama, temperature):
    llama(PROMPT, edt="edt:theta=0", temperature=temperature, max_tokens=3)
    assert llama.steps.temperature == pytest.approx([temperature] * 3)
    llama(PROMPT, edt="edt:t0=0.5,theta=0", temperature=temperature, max_tokens=3)
    assert llama.steps.temperature == pytest.approx([0.5] * 3)


def test_with_llama_cpps_draw_a_fixed_policys_text_is_that_of_a_temperature(llama, monkeypatch):
    """So the request's temperature does not apply a second time."""
    monkeypatch.setattr(llama, "draw", "dist")
    fixed = text(llama(PROMPT, edt="fixed:temperature=0.7", temperature=0.1, max_tokens=30, seed=4, **OPEN))
    assert fixed == text(llama(PROMPT, temperature=0.7, max_tokens=30, seed=4, **OPEN))


def test_behind_top_k_and_typical_the_draw_is_llama_cpps(llama):
    for options, last in (({}, "dist"), ({"top_k": 0}, "edt"), ({"top_k": 0, "typical_p": 0.9}, "dist")):
        llama(PROMPT, edt_theta=0.5, max_tokens=1, **options)
        assert chain_names(llama._sampler.sampler)[-1] == last


@pytest.mark.parametrize("seed", [4, 1 << 32])
@pytest.mark.parametrize("truncation", [{"top_p": 0.9}, {"top_p": 0.9, "min_p": 0.05}, {"top_p": 0.0}, {"min_p": 1.5}])
def test_without_top_k_the_tokens_are_those_of_draw(llama, engine, truncation, seed):
    """llama.cpp keeps one token at least, where top_p is 0 and where min_p is above 1; its seeds have 32 bits."""
    llama.set_seed(seed)
    steps = llama.generate(llama.tokenize(PROMPT.encode()), edt="edt:t0=0.9,theta=0.5", **OPEN | truncation)
    tokens = [next(steps) for _ in range(12)]
    assert chain_names(llama._sampler.sampler)[-1] == "edt"
    ours = {"top_p": max(truncation.get("top_p", 1.0), 1e-9), "min_p": min(truncation.get("min_p", 1e-9), 1.0)}
    numbers = edt.uniforms(seed % (1 << 32), 0, 0, 12)
    filters = f"temperature,top_p={ours['top_p']},min_p={ours['min_p']}"
    assert tokens == edt.sample(logits_before(engine, tokens), "edt:t0=0.9,theta=0.5", uniform=numbers, filters=filters).tolist()


def test_texts_are_those_of_the_engine(llama, engine):
    """The engine's first request and sample, the same seed; logits differ by rounding only."""
    setting = Setting(policy=policy("edt:t0=0.9,theta=0.5"))
    (completions,) = engine.generate([Request(id=0, prompt=PROMPT, settings=(setting,), samples=1, max_new_tokens=20, seed=4)])
    assert text(llama(PROMPT, edt="edt:t0=0.9,theta=0.5", max_tokens=20, seed=4, **OPEN)) == completions[0].text


def test_seed_minus_1_is_another_one_every_time(llama):
    assert len({text(llama(PROMPT, edt="fixed:temperature=1.5", max_tokens=20, seed=-1, **OPEN)) for _ in range(2)}) == 2


def test_at_temperature_0_the_text_is_the_greedy_one(llama):
    greedy = text(llama(PROMPT, temperature=0, max_tokens=20))
    assert text(llama(PROMPT, edt_theta=0.5, temperature=0, max_tokens=20)) == greedy
    assert text(llama(PROMPT, edt="edt:t0=1.5,theta=0", temperature=0, max_tokens=20, seed=4, **OPEN)) != greedy


def test_a_request_without_fields_runs_as_it_would_in_llama(llama, gguf):
    plain = Llama(str(gguf), n_ctx=512, n_threads=1, n_threads_batch=1, type_k=0, type_v=0, verbose=False)
    llama(PROMPT, edt_theta=0.5, max_tokens=2)
    assert text(llama(PROMPT, max_tokens=20, seed=3)) == text(plain(PROMPT, max_tokens=20, seed=3))
    assert llama.steps is None
    plain.close()


def test_chat_requests_ask_in_the_same_way(llama):
    messages = [{"role": "user", "content": "Compute the mean"}]
    llama.create_chat_completion(messages, edt_theta=0.5, max_tokens=3)
    t0 = 0.2  # llama-cpp-python's own for chats
    assert llama.steps.temperature == pytest.approx(t0 * 0.8 ** (0.5 / llama.steps.entropy))
    assert len(llama.steps.entropy) == 3


def test_streamed_text_is_the_same_and_keeps_its_policy(llama):
    options = {"edt_theta": 0.5, "max_tokens": 12, "seed": 9}
    whole = text(llama(PROMPT, **options))
    assert "".join(text(part) for part in llama(PROMPT, stream=True, **options)) == whole
    assert len(llama.steps.entropy) == 12
    chat = llama.create_chat_completion([{"role": "user", "content": "mean"}], stream=True, edt_theta=0.5, max_tokens=4)
    assert len(list(chat)) > 1
    assert len(llama.steps.entropy) == 4


def test_the_policy_reads_penalised_logits_and_before_penalties_the_models_own(placed, engine):
    options = {"edt": "edt:t0=1,theta=0.5", **OPEN, "repeat_penalty": 1.8}
    tokens = generated(placed("top-k"), 15, **options)
    logits = logits_before(engine, tokens)
    penalised = [penalty(row, tokens[:step], 1.8) for step, row in enumerate(logits)]
    assert placed("top-k").steps.entropy == pytest.approx(edt.entropy(np.stack(penalised)), abs=1e-3)
    tokens = generated(placed("penalties"), 15, **options)
    assert placed("penalties").steps.entropy == pytest.approx(edt.entropy(logits_before(engine, tokens)), abs=1e-4)


def penalty(logits: np.ndarray, before: list[int], by: float) -> np.ndarray:
    """llama.cpp's repetition penalty over generated tokens: positive logits divided, others multiplied."""
    seen = np.unique(before).astype(int)
    result = logits.copy()
    result[seen] = np.where(logits[seen] <= 0, logits[seen] * by, logits[seen] / by)
    return result


def test_grammar_stays_in_force_and_the_policy_reads_the_allowed_tokens(llama, engine):
    grammar = LlamaGrammar.from_string('root ::= "yes" | "no"')
    options = {"edt_theta": 0.5, "temperature": 1.5, "max_tokens": 8, "grammar": grammar, **OPEN}
    assert {text(llama(PROMPT, seed=seed, **options)) for seed in range(8)} == {"yes", "no"}
    first = logits_before(engine, [0])[0]
    pieces = [engine.model.tokenizer.decode([token]) for token in range(len(first))]
    allowed = [token for token, piece in enumerate(pieces) if piece and any(word.startswith(piece) for word in ("yes", "no"))]
    assert llama.steps.entropy[0] == pytest.approx(edt.entropy(first[allowed]), abs=1e-4)


def test_logit_bias_and_a_users_own_processors_stay_in_force(llama):
    seen, greedy = [], generated(llama, 1, temp=0.0)[0]
    own = LogitsProcessorList([lambda ids, scores: seen.append(len(ids)) or scores])
    llama(PROMPT, edt="fixed:temperature=0", max_tokens=4, logits_processor=own, logit_bias={greedy: -100.0})
    assert len(seen) == len(llama.steps.entropy) == 4
    assert llama.input_ids[seen[0]] != greedy
    assert len(own) == 1


def test_mirostat_draws_from_tempered_logits(llama):
    llama(PROMPT, edt="edt:t0=0.5,theta=0.3", max_tokens=4, mirostat_mode=2)
    assert [name.lstrip("?") for name in chain_names(llama._sampler.sampler)] == ["penalties", "edt", "mirostat-v2"]
    assert len(llama.steps.entropy) == 4


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"edt": "edt:theta=-1"}, "theta must be a finite number >= 0"),
        ({"edt_thta": 1}, "unknown field 'edt_thta'"),
        ({"edt": "kl-guided:t0=1,bandwidth=1"}, "needs kl, which llama.cpp's sampler does not keep"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_fields_that_say_no_policy_are_refused_at_once(llama, fields, told, stream):
    with pytest.raises(ValueError, match=told):
        llama(PROMPT, stream=stream, **fields)


def test_an_unknown_place_is_refused(gguf):
    with pytest.raises(ValueError, match=r"one of penalties, top-k, .* got 'top_k'"):
        PolicyLlama(str(gguf), place="top_k")


@pytest.mark.parametrize(("sampler", "top_k"), [(Tempering, 40), (Drawing, 0)])
def test_an_error_in_a_step_ends_the_request(llama, monkeypatch, sampler, top_k):
    def broken(self, candidates):
        raise ValueError("no temperature here")

    monkeypatch.setattr(sampler, "act", broken)
    with pytest.raises(ValueError, match="no temperature here"):
        llama(PROMPT, edt_theta=0.5, max_tokens=3, top_k=top_k)


def test_the_next_request_after_an_error_is_whole(llama):
    assert len(text(llama(PROMPT, edt_theta=0.5, max_tokens=5))) > 0
    assert len(llama.steps.entropy) == 5


ENDING = """
import sys
import numpy as np
from edt_sampling.engines.llama_cpp import Chain, PolicyLlama, PolicySampler

class Ring:
    pass

ring, loose = Ring(), PolicySampler("edt:t0=0.8,theta=0.2")
ring.itself, ring.chain, native = ring, Chain("edt:t0=0.8,theta=0.2", seed=0), loose.native()
llama = PolicyLlama(sys.argv[1], n_ctx=128, n_threads=1, n_threads_batch=1, verbose=False)
steps = llama.generate(llama.tokenize(b"def"), edt_theta=0.2)
next(steps)
"""


def test_a_process_that_ends_with_samplers_standing_ends_quietly(gguf):
    ended = subprocess.run([sys.executable, "-c", ENDING, str(gguf)], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
