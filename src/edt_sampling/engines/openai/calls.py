"""HTTP calls, many at once: each is tried again where it may succeed, and ends at once where it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any, TypeVar

from openai import APIStatusError, AsyncOpenAI, Timeout

from edt_sampling.engines.openai.answers import Answer, read
from edt_sampling.engines.openai.retrying import FAILURES, passes, told, wait
from edt_sampling.protocol import Messages

T = TypeVar("T")
CONNECT = 10.0
"""Seconds for a connection: whoever is there takes it, however much there is to do."""


class Calls:
    """Calls to one server for one model, at most ``concurrency`` at once, begun in the order in which they were asked for.

    Any thread may ask and wait; the calls run in the event loop of a thread of their own. A call that waits before it is tried again keeps
    its place, so that a server which has too much to do is asked for less. ``url`` is what errors call the server; ``retries``, the
    further tries of a call, may be set anew.
    """

    def __init__(self, *, base_url: str, api_key: str, model: str, url: str, concurrency: int, timeout: float, retries: int) -> None:
        patience = Timeout(timeout, connect=min(timeout, CONNECT))
        self._client = AsyncOpenAI(base_url=base_url, api_key=api_key, timeout=patience, max_retries=0)  # its own waits end at 8 s
        self._model, self._url, self.retries = model, url, retries
        self._room = asyncio.Semaphore(concurrency)
        self._open: set[Future[Any]] = set()
        self._lock = Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="edt openai calls", daemon=True)
        self._thread.start()

    def ask(self, prompt: str | Messages, fields: Mapping[str, Any]) -> Future[Answer]:
        """A completion of text, or a chat completion of messages, with these fields in the request's body.

        Cancelling it closes its connection. The result raises ValueError for a request, and PermissionError for a key, that the server
        refuses, ConnectionError where all tries were in vain.
        """
        return self._begin(self._tried(lambda: self._answer(prompt, fields)))

    def models(self) -> list[dict[str, Any]]:
        """What the server tells of the models that it serves; nothing where it has no such list."""
        return self._begin(self._tried(self._models)).result()

    def stop(self) -> None:
        """Cancels every call that has not ended; whoever waits for one gets CancelledError."""
        with self._lock:
            pending = list(self._open)
        for call in pending:
            call.cancel()

    def close(self) -> None:
        """Cancels what has not ended, and lets go of connections and thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _begin(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        begun = asyncio.run_coroutine_threadsafe(call, self._loop)
        with self._lock:
            self._open.add(begun)
        begun.add_done_callback(self._forget)
        return begun

    def _forget(self, call: Future[Any]) -> None:
        with self._lock:
            self._open.discard(call)

    async def _tried(self, call: Any) -> Any:
        """The call's result, tried again after failures that pass."""
        async with self._room:
            for attempt in range(self.retries + 1):
                try:
                    return await call()
                except FAILURES as failure:
                    if attempt == self.retries or not passes(failure):
                        raise told(failure, url=self._url, tries=attempt + 1) from failure
                    seconds = wait(failure, attempt=attempt)
                await asyncio.sleep(seconds)
        raise AssertionError("the last try returns or raises")

    async def _answer(self, prompt: str | Messages, fields: Mapping[str, Any]) -> Answer:
        stops = bool(fields.get("stop"))
        if isinstance(prompt, str):
            return read(await self._client.completions.create(model=self._model, prompt=prompt, extra_body=dict(fields)), stops=stops)
        messages: Any = list(prompt)
        body = {**fields, **({"logprobs": True} if "logprobs" in fields else {})}  # a number in one interface is a switch in the other
        return read(await self._client.chat.completions.create(model=self._model, messages=messages, extra_body=body), stops=stops)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.close()

    async def _models(self) -> list[dict[str, Any]]:
        try:
            page = await self._client.models.list()
        except APIStatusError as error:
            if error.status_code in (404, 405):
                return []
            raise
        return [one.to_dict() for one in page.data]
