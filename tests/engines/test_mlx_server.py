"""mlx-lm's server with policies, as a process of its own, on the bundled model."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from importlib.resources import files

import pytest

FOLDER = str(files("edt_sampling") / "models" / "docs-6m")
ASKED = {"prompt": "Return the sum of all elements.", "max_tokens": 6}


@pytest.fixture(scope="module")
def address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--model", FOLDER, "--port", str(port), "--temp", "0.9"]
    command = [sys.executable, "-m", "edt_sampling.engines.mlx.server", *words]
    uncompiled = os.environ | {"MLX_DISABLE_COMPILE": "1"}  # compiling takes longer than these requests
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=uncompiled)
    try:
        assert any("Starting httpd" in line for line in server.stderr), "the server ended"
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.communicate(timeout=30)


def asked(address: str, body: dict, path: str = "completions") -> tuple[int, dict]:
    call = urllib.request.Request(f"{address}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(call, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def text(address: str, **fields) -> str:
    status, answer = asked(address, ASKED | fields)
    assert status == 200, answer
    return answer["choices"][0]["text"]


def test_a_requests_policy_decides(address):
    """theta so large that every step is greedy; theta 0 is the request's own temperature, seed by seed."""
    greedy = text(address, temperature=0)
    assert text(address, temperature=1, edt_theta=1e9) == greedy
    assert text(address, edt="fixed:temperature=0", seed=1) == greedy
    own = text(address, temperature=0.8, seed=2)
    assert own != greedy
    assert text(address, temperature=0.8, seed=2, edt_theta=0) == own
    assert text(address, temperature=0.1, seed=2, edt="edt:t0=0.8,theta=0") == own


def test_what_a_request_leaves_out_is_the_servers_temperature(address):
    assert text(address, seed=2, edt="edt:theta=0") == text(address, seed=2, temperature=0.9)


def test_policies_that_remember_their_text_and_penalties_beside_them(address):
    assert text(address, edt="instance-edt-running:t0=1,theta=0.5", top_p=0.9, repetition_penalty=1.3)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"edt": "edt:theta=-1"}, "edt: theta must be a finite number >= 0, got -1.0"),
        ({"edt": "kl-guided:t0=1,bandwidth=1"}, "policy kl-guided needs kl, which the MLX server does not keep"),
        ({"edt_theta": "0.2"}, "edt_theta must be a number >= 0, got '0.2'"),
        ({"edt_teta": 1}, "unknown field 'edt_teta': give edt, a spec string such as 'edt:theta=0.2', or edt_theta, a number"),
        (
            {"edt": "instance-edt:t0=1,theta=1", "draft_model": "m"},
            "policy instance-edt remembers its text, which a draft model's steps would mix with its own: leave one out",
        ),
        ({"edt_theta": 1, "temperature": "hot"}, "temperature must be of type ('float', 'int')"),
    ],
)
def test_bad_values_are_http_400(address, fields, error):
    assert asked(address, ASKED | fields) == (400, {"error": error})


def test_a_temperature_with_a_policy_survives_the_way_to_other_processes():
    """mlx-lm pickles requests where it runs distributed."""
    import pickle

    from edt_sampling import policy
    from edt_sampling.engines.mlx.server import PolicyTemperature

    sent = pickle.loads(pickle.dumps(PolicyTemperature(policy("edt:t0=1,theta=0.2"))))
    assert (sent, sent.policy) == (1.0, policy("edt:t0=1,theta=0.2"))
