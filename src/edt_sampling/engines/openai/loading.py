"""A server by its URL, made an engine."""

from __future__ import annotations

import os
from typing import get_args

from edt_sampling.engines.openai.calls import Calls
from edt_sampling.engines.openai.engine import OpenAIEngine
from edt_sampling.engines.openai.server import Plugin, find_server, shown

MOST = 1000
"""Connections that the client opens."""
FIRST_RETRIES = 2
"""Retries while the server is looked for: a URL where nobody answers is told soon."""


def load(
    *,
    model: str,
    base_url: str,
    api_key: str | None = None,
    concurrency: int = 32,
    timeout: float = 600,
    retries: int = 8,
    chat: bool = False,
    plugin: Plugin = "auto",
) -> OpenAIEngine:
    """An engine with a model that a server offers under ``base_url``, such as ``http://localhost:8000/v1``.

    ``model``: its name there. ``api_key``: default, the environment's OPENAI_API_KEY, or ``none``. ``concurrency``: calls at once.
    ``timeout``: seconds for one text. ``retries``: further tries of a call that met no connection, a timeout, or HTTP 408, 409, 429 or 500
    and above. ``chat``: text is sent as a user's message. ``plugin``: whether our plug-in runs there; ``auto`` asks.

    Raises:
        ValueError: an option out of range, or a model that is not served.
        PermissionError: a key that is refused.
        ConnectionError: no answer.
    """
    if not 1 <= concurrency <= MOST:
        raise ValueError(f"concurrency must be from 1 to {MOST} calls at once, got {concurrency}")
    if retries < 0:
        raise ValueError(f"retries must be >= 0, got {retries}")
    if not timeout > 0:
        raise ValueError(f"timeout must be > 0 seconds, got {timeout}")
    if plugin not in get_args(Plugin):
        raise ValueError(f"plugin must be auto, yes or no, got {plugin!r}")
    key = api_key or os.environ.get("OPENAI_API_KEY") or "none"
    url, patience = shown(base_url), min(retries, FIRST_RETRIES)
    calls = Calls(base_url=base_url, api_key=key, model=model, url=url, concurrency=concurrency, timeout=timeout, retries=patience)
    try:
        server = find_server(calls, url=url, model=model, plugin=plugin, chat=chat)
    except BaseException:
        calls.close()
        raise
    calls.retries = retries
    return OpenAIEngine(calls, server, ahead=concurrency, chat=chat)
