"""Calls that fail: what is tried again, what is not, and that nothing is asked for twice or lost."""

import socket
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from threading import Barrier, Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from openai import RateLimitError

sys.path.insert(0, str(Path(__file__).parent))

from openai_server import MODEL, Served, serving

from edt_sampling import policy
from edt_sampling.engines.openai import OpenAIEngine, load, retrying
from edt_sampling.protocol import Completion, Request, Setting

SPECS = ("fixed:temperature=0.5", "fixed:temperature=1", "edt:t0=0.8,theta=0.2")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of milliseconds where the server asks for none."""
    monkeypatch.setattr(retrying, "FIRST", 0.002)


def request(id: int = 7, samples: int = 4, specs: tuple[str, ...] = SPECS) -> Request:
    return Request(id=id, prompt=f"prompt {id}", settings=tuple(Setting(policy=policy(s)) for s in specs), samples=samples)


def loaded(served: Served, **options: Any) -> OpenAIEngine:
    return load(**{"model": MODEL, "base_url": served.url, **options})


def generated(served: Served, *requests: Request, **options: Any) -> list[list[Completion]]:
    engine = loaded(served, **options)
    try:
        return list(engine.generate(requests))
    finally:
        engine.close()


def texts(found: list[list[Completion]]) -> list[tuple[int, int, int, str]]:
    return [(c.request, c.setting, c.sample, c.text) for completions in found for c in completions]


@pytest.fixture(scope="module")
def undisturbed() -> list[tuple[int, int, int, str]]:
    with serving() as served:
        return texts(generated(served, request(7), request(8)))


def key(body: dict[str, Any]) -> tuple[Any, ...]:
    return body["prompt"], body["temperature"], body["seed"]


@pytest.mark.parametrize("fault", [408, 409, 429, 500, 503, "reset", {"choices": [{"text": "half", "finish_reason": "abort"}]}], ids=str)
def test_failures_that_pass_cost_a_try_and_change_no_text(fault: Any, undisturbed: list[Any]):
    with serving(fault=lambda number, body: fault if number % 3 == 0 else None) as served:
        assert texts(generated(served, request(7), request(8))) == undisturbed
        assert served.answered == 24, "each text was written once"
        assert len(served.texts) > 24
        assert len(Counter(map(key, served.texts))) == 24


def test_a_storm_of_refusals_ends_and_loses_nothing(undisturbed: list[Any]):
    with serving(fault=lambda number, body: 429 if number < 70 else None) as served:
        assert texts(generated(served, request(7), request(8), concurrency=4, retries=40)) == undisturbed
        assert Counter(map(key, served.texts)).total() == 70 + 24
        assert served.answered == 24


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(undisturbed: list[Any]):
    with serving(fault=lambda number, body: "silence" if number in (0, 5) else None) as served:
        assert texts(generated(served, request(7), request(8), timeout=0.4)) == undisturbed
        assert len(served.texts) == 26


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (400, ValueError, r"^the server at http://127.0.0.1:\d+/v1 refuses the request \(400\): as ordered$"),
        (404, ValueError, r"refuses the request \(404\): as ordered$"),
        (422, ValueError, r"refuses the request \(422\): as ordered$"),
        (401, PermissionError, r"refuses the key \(401\): as ordered; give api_key, or set OPENAI_API_KEY$"),
    ],
)
def test_a_refusal_is_told_at_once_in_the_server_s_words(status: int, kind: type[Exception], told: str):
    with serving(fault=lambda number, body: status) as served:
        with pytest.raises(kind, match=told):
            generated(served, request(samples=1, specs=SPECS[:1]))
        assert len(served.texts) == 1


def test_a_server_that_fails_for_good_is_told_with_the_number_of_tries():
    with serving(fault=lambda number, body: 500) as served:
        with pytest.raises(ConnectionError, match=r"gave no text \(tries: 4\), the last time: as ordered$"):
            generated(served, request(samples=1, specs=SPECS[:1]), retries=3)
        assert len(served.texts) == 4


def test_a_server_that_dies_is_told():
    with serving() as served:
        engine = loaded(served, retries=1)
    with pytest.raises(ConnectionError, match=r"gave no text \(tries: 2\), the last time: no connection"):
        next(engine.generate([request()]))
    engine.close()


def test_where_nobody_answers_loading_says_so():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionError, match="no connection"):
            load(model=MODEL, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/v1")


def failing(**headers: str) -> retrying.Failure:
    """The failure that an answer of 429 with these headers is."""
    answer: Any = SimpleNamespace(status_code=429, headers=headers, request=None)
    return RateLimitError("too much", response=answer, body=None)


def test_waits_are_those_that_the_server_asks_for():
    assert retrying.wait(failing(**{"retry-after": "7"}), attempt=3) == 7
    assert retrying.wait(failing(**{"retry-after": "90.5"}), attempt=0) == 90.5
    assert retrying.wait(failing(**{"retry-after-ms": "250"}), attempt=0) == 0.25
    assert retrying.wait(failing(**{"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), attempt=0) == 0, "a date that has passed"
    assert retrying.passes(failing(**{"retry-after": "600"}))
    assert not retrying.passes(failing(**{"retry-after": "601"})), "nobody waits for so long"
    told = retrying.told(failing(**{"retry-after": "3600"}), url="URL", tries=1)
    assert str(told) == "the server at URL asks not to be called for 3600 s: too much; try again then"


def test_other_waits_double_up_to_a_minute_with_chance_in_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(retrying, "FIRST", 0.5)
    for attempt, most in enumerate((0.5, 1, 2, 4, 8, 16, 32, 60, 60)):
        waits = [retrying.wait(failing(), attempt=attempt) for _ in range(50)]
        assert most / 2 <= min(waits) < max(waits) <= most
    assert retrying.wait(failing(**{"retry-after": "soon"}), attempt=0) <= 0.5, "what is no time is no time"


def test_calls_are_made_at_once_up_to_the_concurrency():
    """A barrier lets nobody through before six calls are there; the first six then wait a moment for a seventh, which must not come."""
    barrier, seventh, here = Barrier(6), Event(), list[None]()

    with serving() as served:

        def meet() -> None:
            with served.lock:
                here.append(None)
                first = served.answered == 0
                if len(here) > 6:
                    seventh.set()
            barrier.wait(timeout=20)
            if first:
                seventh.wait(0.3)
            with served.lock:
                here.pop()

        served.meet = meet
        generated(served, request(7), request(8), concurrency=6)
    assert not barrier.broken
    assert not seventh.is_set()


@pytest.fixture
def waiting() -> Iterator[tuple[Served, Event]]:
    """A server that answers nothing, and an event that tells that it was asked."""
    asked = Event()

    def fault(number: int, body: dict[str, Any]) -> str:
        asked.set()
        return "silence"

    with serving(fault=fault) as served:
        yield served, asked


def test_stopping_ends_what_another_thread_waits_for(waiting: tuple[Served, Event]):
    served, asked = waiting
    engine, ended = loaded(served), list[BaseException]()

    def ask() -> None:
        try:
            next(engine.generate([request()]))
        except BaseException as error:
            ended.append(error)

    thread = Thread(target=ask)
    thread.start()
    assert asked.wait(20)
    engine.stop()
    thread.join(20)
    assert not thread.is_alive()
    assert [type(error) for error in ended] == [CancelledError]
    engine.close()


def test_closing_the_iterator_cancels_what_is_under_way():
    """The first request is answered, the second never is."""
    with serving(fault=lambda number, body: "silence" if body["prompt"] == "prompt 8" else None) as served:
        engine = loaded(served, concurrency=12)
        found = engine.generate([request(7), request(8)])
        assert len(next(found)) == 12
        found.close()  # type: ignore[attr-defined]
        assert engine._calls._open == set()
        engine.close()


def test_one_refusal_ends_the_request_without_waiting_for_its_other_texts():
    with serving(fault=lambda number, body: 400 if number == 3 else "silence") as served:
        engine = loaded(served)
        with pytest.raises(ValueError, match="as ordered"):
            next(engine.generate([request()]))
        engine.close()
