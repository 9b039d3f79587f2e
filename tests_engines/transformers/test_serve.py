"""``transformers serve`` on a model that carries our policy: at theta = 1,000 every step is greedy, and so is a sampled text."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from edt_sampling.engines.transformers.repository import write_repository

PROMPT = "Return the mean of an array along an axis.\n\nSummary:"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("served") / "model"
    write_repository(path, model="bundled", spec="edt:theta=1000")
    return path


@pytest.fixture(scope="module", params=[(), ("--continuous-batching",)], ids=["generate", "continuous batching"])
def ask(request, folder) -> Iterator:
    """Asks a running server for a text."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        Path(sys.executable).parent / "transformers",
        "serve",
        folder,
        "--trust-remote-code",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    log = (folder.parent / f"{port}.log").open("wb")
    server = subprocess.Popen([*command, "--device", "cpu", *request.param], env=environment, stdout=log, stderr=subprocess.STDOUT)

    def post(**body) -> str:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/v1/completions",
            data=json.dumps({"model": str(folder), "prompt": PROMPT, **body}).encode(),
            headers={"Content-Type": "application/json"},
        )
        return json.load(urllib.request.urlopen(asked, timeout=120))["choices"][0]["text"]

    try:
        wait(server, port)
        yield post
    finally:
        server.terminate()
        server.wait(30)


def wait(server: subprocess.Popen, port: int) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
        except OSError:
            assert server.poll() is None, "the server stopped"
            time.sleep(0.2)
        else:
            return
    pytest.fail("the server did not come up in two minutes")


def test_the_policy_is_on(ask):
    greedy = ask(max_tokens=20, temperature=0.0)
    assert len(greedy) > 20
    for seed in range(3):
        assert ask(max_tokens=20, temperature=1.0, seed=seed) == greedy


def test_a_request_may_ask_for_its_own_policy(ask, request):
    if "continuous" in request.node.name:
        pytest.skip("the server's first request sets the sampling of all: transformers says so")
    own = {"do_sample": True, "top_k": 0, "max_new_tokens": 20, "eos_token_id": 0, "pad_token_id": 0, "temperature": 3.0}
    texts = {ask(seed=seed, generation_config=json.dumps(own | {"edt": "edt:theta=0.001"})) for seed in range(3)}
    assert len(texts) == 3, "at T = 3 no two texts are alike"
