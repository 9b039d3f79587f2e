"""A server of this machine that speaks OpenAI's interface: its texts are a function of what it is asked, and its faults are as ordered."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Literal

import numpy as np

from edt_sampling.engines.fields import requested

MODEL = "tiny"
REFERENCE = "returns the value of a given matrix"
WORDS = ["a", "the", "of", "returns", "compute", "matrix", "array", "value", "given", "number", "function", "model"]
OWN_FIELDS = {"model", "prompt", "messages", "max_tokens", "temperature", "top_p", "seed", "stop", "logprobs"}
"""Fields of OpenAI's own servers, which refuse others."""

Fault = Callable[[int, dict[str, Any]], Any]
"""What goes wrong with the call of this number, counted from 0 as they come, and body: an HTTP status, ``reset``, ``silence``, an answer of
its own, or None."""


@dataclass
class Served:
    """What a server does, and what it was asked: ``asked`` holds the bodies of the calls for texts, faults included; ``answered``
    counts the texts of more than one token.

    ``style``: ``vllm`` takes vLLM's fields and tells tokens by number; ``sglang`` takes them, and tells how many there are; ``openai``
    refuses them. ``plugin``: whether ours runs there; ``guard``: what it says where it cannot work.
    """

    plugin: bool = True
    guard: str | None = None
    style: Literal["vllm", "sglang", "openai"] = "vllm"
    models: list[dict[str, Any]] | None = field(default_factory=lambda: [{"id": MODEL, "root": "some/weights", "object": "model"}])
    fault: Fault = lambda number, body: None
    meet: Callable[[], object] = lambda: None
    key: str | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Retry-After-Ms": "1"})
    asked: list[dict[str, Any]] = field(default_factory=list)
    answered: int = 0
    url: str = ""
    closed: Event = field(default_factory=Event)
    lock: Any = field(default_factory=Lock)

    @property
    def texts(self) -> list[dict[str, Any]]:
        """The calls that asked for more than one token: not those that find out what the server is."""
        return [body for body in self.asked if body["max_tokens"] > 1]


def text_of(prompt: str, body: dict[str, Any]) -> list[str]:
    """The reference's words, each by chance another: the hotter the request, the more of them; pairs of settings share their chances."""
    told = f"{prompt}|{body['seed']}"
    draws = np.random.default_rng(int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], "big"))
    heat = body["temperature"] * (0.8 if "vllm_xargs" in body else 1)
    pairs = [(word, WORDS[int(draws.integers(len(WORDS)))], draws.random()) for word in REFERENCE.split()]
    return [other if u < 0.8 * heat else word for word, other, u in pairs][: body["max_tokens"]]


@contextmanager
def serving(**options: Any) -> Iterator[Served]:
    """A server at work on a free port."""
    served = Served(**options)
    server = _Server(("127.0.0.1", 0), _handler(served))
    served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.closed.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # connections that wait to be taken: with the few that are usual, some would come a second late

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that are cut are what is tested; anything else is told."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _handler(served: Served) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            if self._refused():
                return
            if served.models is None:
                self._error(404, "Not Found")
            else:
                self._json(200, {"object": "list", "data": served.models})

        def do_POST(self) -> None:
            held = self.rfile.read(int(self.headers["Content-Length"]))
            if not held or self._refused():  # who asks may die over it
                return
            body = json.loads(held)
            with served.lock:
                number = len(served.texts)
                served.asked.append(body)
            if body["max_tokens"] > 1:
                if self._failed(served.fault(number, body)):
                    return
                served.meet()
            self._answer(body)

        def _refused(self) -> bool:
            wrong = served.key is not None and self.headers["Authorization"] != f"Bearer {served.key}"
            if wrong:
                self._error(401, "Incorrect API key provided")
            return wrong

        def _failed(self, fault: Any) -> bool:
            if fault == "reset":
                linger = struct.pack("ii", 1, 0)  # the connection is cut, not ended
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
            elif fault == "silence":
                served.closed.wait()
            elif isinstance(fault, int):
                self._error(fault, "as ordered", served.headers)
            elif fault is not None:
                self._json(200, fault)
            return fault is not None

        def _answer(self, body: dict[str, Any]) -> None:
            unknown = {name: value for name, value in body.items() if name not in OWN_FIELDS}
            if served.style == "openai" and unknown:
                return self._error(400, f"Extra inputs are not permitted: {unknown}")  # repeats what it was given, as some do
            if served.plugin:
                try:
                    policy = requested(body.get("vllm_xargs"), temperature=body["temperature"])
                except ValueError as error:
                    return self._error(400, f"{error}")
                if policy and served.guard:
                    return self._error(400, served.guard)
            self._json(200, completion(served, body))
            return None

        def _error(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
            self._json(status, {"error": {"message": message, "type": "Error", "code": status}}, headers)

        def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            held = json.dumps(body).encode()
            try:
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", "Content-Length": str(len(held)), **(headers or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(held)
            except OSError:  # who asked has gone
                self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    return Handler


def completion(served: Served, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request, in the interface that it came by."""
    prompt = body["prompt"] if "prompt" in body else body["messages"][-1]["content"]
    words = text_of(prompt, {"seed": 0, **body})
    stopped = next((i for i, word in enumerate(words) if word in body.get("stop", [])), None)
    text, ids = " ".join(words[:stopped]), [WORDS.index(word) for word in words]
    reason = "length" if len(words) == body["max_tokens"] and stopped is None else "stop"
    choice: dict[str, Any] = {"index": 0, "finish_reason": reason, "logprobs": None}
    choice |= {"text": text} if "prompt" in body else {"message": {"role": "assistant", "content": text}}
    if served.style == "vllm":
        choice |= {"stop_reason": None if stopped is None else words[stopped]}
        choice |= {"token_ids": ids} if body.get("return_token_ids") else {}
    if body.get("logprobs") is not None:
        logprobs = [-0.5 * (i + 1) for i in range(len(words))]
        choice["logprobs"] = (
            {"token_logprobs": logprobs} if "prompt" in body else {"content": [{"token": "", "logprob": p} for p in logprobs]}
        )
    with served.lock:
        served.answered += body["max_tokens"] > 1
    return {"object": "text_completion", "model": body["model"], "choices": [choice], "usage": {"completion_tokens": len(words)}}
