"""Texts from a server: what it is asked, what its answers mean, and what is refused before it is asked for a text."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from openai_server import MODEL, Served, completion, serving

from edt_sampling import Filters, policy
from edt_sampling.engines import load_engine
from edt_sampling.engines.openai import OpenAIEngine, load
from edt_sampling.engines.openai.engine import seed_of
from edt_sampling.protocol import Completion, Request, Setting
from edt_sampling.sampling.philox import philox

T0 = Setting(policy=policy("fixed:temperature=0.7"))


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as found:
        yield found


def setting(spec: str, filters: str = "temperature") -> Setting:
    return Setting(policy=policy(spec), filters=Filters.parse(filters))


def request(*settings: Setting, **fields: Any) -> Request:
    return Request(**{"id": 7, "prompt": "a prompt", "settings": settings or (T0,), **fields})


def generated(served: Served, asked: Request, **options: Any) -> list[Completion]:
    engine = load(**{"model": MODEL, "base_url": served.url, **options})
    try:
        (found,) = engine.generate([asked])
    finally:
        engine.close()
    return found


@pytest.fixture
def refusing(served: Served) -> Iterator[Any]:
    """Checks a request against a server with our plug-in, and gives the refusal."""
    engine = load(model=MODEL, base_url=served.url)

    def refusal(asked: Request) -> str:
        with pytest.raises(ValueError, match=r"\w") as error:
            engine.check(asked)
        assert served.texts == []
        return str(error.value)

    yield refusal
    engine.close()


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        (setting("fixed:temperature=0.7"), {"temperature": 0.7, "top_p": 1.0, "top_k": -1, "min_p": 0.0}),
        (setting("fixed:temperature=0"), {"temperature": 0.0}),
        (setting("fixed:temperature=0.00009"), {"temperature": 0.0}),
        (setting("fixed:temperature=0.0001"), {"temperature": 0.0001}),
        (setting("edt:t0=0.8,theta=0.2"), {"temperature": 0.8, "vllm_xargs": {"edt": "edt:t0=0.8,theta=0.2"}}),
        (setting("dynatemp:low=0,high=1.2"), {"temperature": 1.0, "vllm_xargs": {"edt": "dynatemp:low=0,high=1.2"}}),
        (setting("udt-margin:t0=0.6,theta=0.1"), {"temperature": 0.6, "vllm_xargs": {"edt": "udt-margin:t0=0.6,theta=0.1"}}),
        (setting("fixed:temperature=1", "temperature,top_p=0.95"), {"top_p": 0.95, "top_k": -1, "min_p": 0.0}),
        (setting("fixed:temperature=1", "top_k=40,min_p=0.1,top_p=0.9"), {"top_p": 0.9, "top_k": 40, "min_p": 0.1}),
    ],
)
def test_a_setting_becomes_fields_of_the_request(served: Served, asked: Setting, wanted: dict[str, Any]):
    generated(served, request(asked, max_new_tokens=9, stop=("\n", "END")))
    (body,) = served.texts
    assert {name: body[name] for name in wanted} == wanted
    assert ("vllm_xargs" in body) == ("vllm_xargs" in wanted)
    assert (body["model"], body["prompt"], body["max_tokens"], body["stop"]) == (MODEL, "a prompt", 9, ["\n", "END"])
    assert body["repetition_penalty"] == 1, "or the model's generation config decides"


def test_completions_come_by_setting_and_sample_and_settings_share_their_seeds(served: Served):
    found = generated(served, request(T0, setting("edt:t0=0.8,theta=0.2"), samples=3))
    assert [(c.request, c.setting, c.sample) for c in found] == [(7, s, k) for s in (0, 1) for k in range(3)]
    seeds = {(body["temperature"], body["seed"]) for body in served.texts}
    assert len(seeds) == 6
    assert len({seed for _, seed in seeds}) == 3
    told = {(body["temperature"], body["seed"]): body for body in served.texts}
    for c in found:
        body = told[(0.7, 0.8)[c.setting], seed_of(request(samples=3), c.sample)]
        assert c.text == completion(served, body)["choices"][0]["text"], "each text is that of its own seed"


def test_seeds_are_functions_of_seed_request_and_sample_of_31_bits():
    (first, *_) = philox(
        tuple(np.array([c], np.uint64) for c in (7, 2, 0, 0)), (np.uint64(5), np.uint64(0))
    )  # Philox4x32-10 of key 5 and counter (7, 2, 0, 0)
    assert seed_of(request(seed=5), 2) == int(first[0]) >> 1
    keys = [(seed, id, sample) for seed in (0, 1, 2**63 - 1) for id in (7, 8, 2**63 - 1) for sample in (0, 1)]
    seeds = [seed_of(request(seed=seed, id=id), sample) for seed, id, sample in keys]
    assert len(set(seeds)) == len(keys)
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_entropy_and_temperature_are_not_known(served: Served):
    (found,) = generated(served, request(max_new_tokens=4))
    assert found.finish == "length"
    assert len(found.trace.tokens) == 4
    assert np.isnan([found.trace.entropy, found.trace.temperature, found.trace.probability]).all()


@pytest.mark.parametrize(
    ("style", "ids", "probability"),
    [("vllm", True, None), ("sglang", False, None), ("openai", False, np.exp([-0.5, -1, -1.5]))],
)
@pytest.mark.parametrize("chat", [False, True])
def test_tokens_are_told_as_far_as_the_server_tells_them(style: str, ids: bool, probability: Any, chat: bool):
    with serving(style=style, plugin=style == "vllm") as served:
        (found,) = generated(served, request(max_new_tokens=3), chat=chat)
        assert ("return_token_ids" in served.texts[0], "logprobs" in served.texts[0]) == (style != "openai", style == "openai")
    assert len(found.trace.tokens) == 3
    assert (found.trace.tokens >= 0).all() == ids
    assert (found.trace.tokens == -1).all() != ids
    np.testing.assert_allclose(found.trace.probability, np.full(3, np.nan) if probability is None else probability)


@pytest.mark.parametrize("chat", [False, True])
@pytest.mark.parametrize("messages", [False, True])
def test_text_is_completed_unless_chat_is_asked_for_and_messages_are_always_chat(served: Served, chat: bool, messages: bool):
    prompt = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a prompt"}]
    generated(served, request(prompt=prompt if messages else "a prompt"), chat=chat)
    (body,) = served.texts
    if messages or chat:
        assert body["messages"] == (prompt if messages else prompt[1:])
        assert "prompt" not in body
    else:
        assert body["prompt"] == "a prompt"
        assert "messages" not in body


def answer(**choice: Any) -> dict[str, Any]:
    more = {"usage": {"completion_tokens": 2}} if "token_ids" not in choice else {}
    return {"object": "text_completion", "choices": [{"index": 0, "text": "a b", "finish_reason": "stop", **choice}], **more}


@pytest.mark.parametrize(
    ("choice", "stop", "wanted"),
    [
        ({"stop_reason": None}, ("END",), "end"),
        ({"stop_reason": "END"}, ("END",), "stop"),
        ({"stop_reason": 2}, ("END",), "end"),
        ({"matched_stop": "END"}, ("END",), "stop"),
        ({"matched_stop": 2}, ("END",), "end"),
        ({}, (), "end"),
        ({}, ("END",), "stop"),
        ({"finish_reason": "length", "stop_reason": None}, ("END",), "length"),
    ],
)
def test_what_ended_a_text(choice: dict[str, Any], stop: tuple[str, ...], wanted: str):
    with serving(fault=lambda number, body: answer(**choice)) as served:
        (found,) = generated(served, request(stop=stop))
    assert found.finish == wanted
    assert found.text == "a b"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("Ubersicht \u00fc\u5929\u5730 \U0001f642", "Ubersicht \u00fc\u5929\u5730 \U0001f642"),
        ("a\ud83db", "a\ufffdb"),
        (None, ""),
    ],
)
def test_texts_are_kept_letter_for_letter_and_are_whole_unicode(text: str | None, wanted: str):
    with serving(fault=lambda number, body: answer(text=text, token_ids=[])) as served:
        (found,) = generated(served, request())
    assert found.text == wanted
    assert isinstance(found.text.encode(), bytes)
    assert len(found.trace.tokens) == 0


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"choices": []}, "the server answered with no completion"),
        (answer(finish_reason="content_filter"), "finish_reason must be stop or length, the server gave 'content_filter'"),
        (answer() | {"usage": None}, "must tell its tokens: token_ids, logprobs or usage.completion_tokens"),
    ],
)
def test_an_answer_that_is_none_is_told(odd: dict[str, Any], told: str):
    with serving(fault=lambda number, body: odd) as served, pytest.raises(ValueError, match=told):
        generated(served, request())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (setting("fixed:temperature=1", "top_k=5,temperature"), "filters 'top_k=5,temperature': top_k stands before temperature"),
        (
            setting("fixed:temperature=1", "typical=0.9"),
            "filters 'temperature,typical=0.9': a server has top_k, min_p and top_p, and no typical",
        ),
        (setting("fixed:temperature=1", "mirostat=3"), "and no mirostat"),
        (setting("fixed:temperature=1", "top_p=0.9,top_k=5"), "a server applies top_p last: put top_k before it"),
        (setting("edt:t0=1,theta=1", "entropy_of=filtered"), "leave out entropy_of"),
        (setting("instance-edt:t0=1,theta=1"), "policy instance-edt needs first_entropy, which the plug-in of a server does not keep"),
        (setting("kl-guided:t0=1,bandwidth=1"), "policy kl-guided needs kl"),
    ],
)
def test_what_a_server_cannot_do_is_refused_by_name(refusing: Any, asked: Setting, told: str):
    assert told in refusing(request(T0, asked))


def test_schedules_are_refused_by_name(refusing: Any):
    asked = request(setting("scheduled"), schedules={0: np.ones((1, 64))})
    assert refusing(asked) == "policy scheduled needs scheduled, which the plug-in of a server does not keep"


@pytest.mark.parametrize("style", ["vllm", "sglang", "openai"])
def test_without_our_plug_in_policies_are_refused_and_fixed_temperatures_are_not(style: str):
    with serving(plugin=False, style=style) as served:
        engine = load(model=MODEL, base_url=served.url)
        engine.check(request(T0))
        with pytest.raises(ValueError, match=r"^policy edt: the server at ") as error:
            engine.check(request(T0, setting("edt:t0=1,theta=1")))
        assert str(error.value).endswith("/v1 does not run the edt-sampling plug-in: install edt-sampling[vllm] there")
        assert served.url in str(error.value)
        engine.close()


def test_whether_the_plug_in_runs_can_be_said_and_is_not_asked_then(served: Served):
    engine = load(model=MODEL, base_url=served.url, plugin="yes")
    assert served.asked == []
    engine.check(request(setting("edt:t0=1,theta=1")))
    engine.close()
    engine = load(model=MODEL, base_url=served.url, plugin="no")
    assert "vllm_xargs" not in served.asked[0]
    with pytest.raises(ValueError, match="does not run the edt-sampling plug-in"):
        engine.check(request(setting("edt:t0=1,theta=1")))
    engine.close()


def test_a_refusal_that_repeats_what_was_asked_is_not_taken_for_the_plug_in_s():
    with serving(style="openai", plugin=False) as served:
        engine = load(model=MODEL, base_url=served.url)
        engine.close()
    assert served.asked[0]["vllm_xargs"] == {"edt": "no-such-policy"}
    assert engine.server.refuses == "does not run the edt-sampling plug-in: install edt-sampling[vllm] there"


def test_a_plug_in_that_cannot_work_there_is_refused_in_its_words():
    """As under speculative decoding with vLLM's V1 runner."""
    with serving(guard="edt cannot be had here: it is skipped") as served:
        engine = load(model=MODEL, base_url=served.url)
        engine.check(request(T0))
        with pytest.raises(
            ValueError, match=r"runs the edt-sampling plug-in, which cannot work there: edt cannot be had here: it is skipped$"
        ):
            engine.check(request(setting("edt:t0=1,theta=1")))
        engine.close()


def test_a_server_of_openai_s_own_fields_has_top_p_alone():
    with serving(style="openai", plugin=False) as served:
        engine = load(model=MODEL, base_url=served.url)
        engine.check(request(setting("fixed:temperature=1", "top_p=0.9")))
        with pytest.raises(ValueError, match="has top_p alone, and no min_p"):
            engine.check(request(setting("fixed:temperature=1", "min_p=0.1,top_p=0.9")))
        engine.close()


def test_distributions_and_tokens_are_refused_by_name(served: Served):
    engine = load(model=MODEL, base_url=served.url)
    assert (engine.observes, engine.memory(), engine.cache()) == (False, None, None)
    for refused in (lambda: engine.force(request(), "text"), lambda: engine.read("a", "b"), lambda: engine.pieces([1])):
        with pytest.raises(ValueError, match=r"^engine openai sees texts alone: it cannot "):
            refused()
    engine.close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"base_url": "localhost:8000"}, "base_url must be a URL such as http://localhost:8000/v1, got 'localhost:8000'"),
        ({"concurrency": 0}, "concurrency must be from 1 to 1000 calls at once, got 0"),
        ({"timeout": 0}, "timeout must be > 0 seconds, got 0"),
        ({"retries": -1}, "retries must be >= 0, got -1"),
        ({"plugin": "maybe"}, "plugin must be auto, yes or no, got 'maybe'"),
        ({"model": "other"}, "model 'other' is not served at .*/v1: it serves tiny"),
    ],
)
def test_options_out_of_range_are_refused(served: Served, options: dict[str, Any], told: str):
    with pytest.raises(ValueError, match=told):
        load(**{"model": MODEL, "base_url": served.url, **options})
    assert served.asked == []


def test_a_server_must_be_named():
    with pytest.raises(ValueError, match=r"^engine openai needs base_url: give --base-url$"):
        load_engine("openai", model=MODEL)


def described(**options: Any) -> OpenAIEngine:
    with serving(**options) as served:
        engine = load(model=MODEL, base_url=served.url)
        engine.close()
    return engine


def test_the_fingerprint_is_of_the_model_that_the_server_names_wherever_it_runs():
    here, there, other, nameless = (
        described(models=models)
        for models in (
            [{"id": MODEL, "root": "a", "created": 1}],
            [{"id": "x"}, {"id": MODEL, "root": "a", "created": 2}],
            [{"id": MODEL, "root": "b"}],
            None,
        )
    )
    assert here.fingerprint == there.fingerprint
    assert len({here.fingerprint, other.fingerprint, nameless.fingerprint}) == 3
    assert here.describe()["base_url"] != there.describe()["base_url"]


def test_the_key_comes_from_the_argument_or_the_environment(served: Served, monkeypatch: pytest.MonkeyPatch):
    served.key = "secret"
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    load(model=MODEL, base_url=served.url, api_key="secret").close()
    with pytest.raises(PermissionError, match=r"refuses the key \(401\): Incorrect API key provided; give api_key, or set OPENAI_API_KEY"):
        load(model=MODEL, base_url=served.url)
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    engine = load(model=MODEL, base_url=served.url)
    engine.close()
    assert "secret" not in str(engine.describe())


def test_it_describes_the_server_without_credentials(served: Served):
    engine = load(model=MODEL, base_url=served.url.replace("//", "//user:word@"))
    told = engine.describe()
    engine.close()
    assert told["base_url"] == served.url
    assert told["served"] == {"id": MODEL, "root": "some/weights"}
    assert (told["engine"], told["plugin"], told["observes"]) == ("openai", True, False)
    assert "word" not in str(told)
