"""``vllm serve`` with the plug-in installed, asked by the official client, under both runners; and a server of embeddings."""

from __future__ import annotations

import math
import socket
import subprocess
import sys
from pathlib import Path

import batches
import openai
import oracle
import pytest
from oracle import MODEL, raw_logits

from edt_sampling.engines.fields import requested

SERVE = ["serve", MODEL, "--served-model-name", "docs", "--host", "127.0.0.1", "--dtype", "float32", "--enforce-eager"]
SERVE += ["--max-model-len", "64", "--max-num-seqs", "4", "--logprobs-mode", "processed_logprobs", "-cc.custom_ops", '["none"]']


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="module", params=["0", "1"], ids=["v1", "v2"])
def client(request, environment, tmp_path_factory):
    port, log = free_port(), tmp_path_factory.mktemp("server") / "log"
    own = environment | {"VLLM_USE_V2_MODEL_RUNNER": request.param}
    command = [str(Path(sys.executable).with_name("vllm")), *SERVE, "--port", str(port)]
    with log.open("w") as out, subprocess.Popen(command, env=own, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as server:
        asking = openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0, timeout=60)
        try:
            wait(server, asking, log)
            yield asking
        finally:
            server.terminate()
            server.wait(60)


def wait(server, asking, log):
    """Until the server answers; with its log where it ends instead."""
    for _ in range(240):
        assert server.poll() is None, log.read_text()[-4000:]
        try:
            asking.models.list()
            return
        except openai.APIConnectionError:
            try:
                server.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError(log.read_text()[-4000:])


def complete(client, fields=None, prompt="mean", **named):
    asked = {"model": "docs", "prompt": batches.PROMPTS[prompt], "max_tokens": 3, "temperature": 0.9, "seed": 5} | named
    return client.completions.create(**asked, extra_body={"return_token_ids": True} | ({"vllm_xargs": fields} if fields else {}))


@pytest.mark.parametrize("fields", [{"edt": "edt:theta=2"}, {"edt_theta": 0.7}, {"edt": "edt:t0=0.6,theta=1"}, None])
def test_a_request_is_answered_under_its_policy(client, fields):
    choice = complete(client, fields, logprobs=3).choices[0]
    chosen = requested(fields, temperature=0.9) or oracle.asked_policy({"temperature": 0.9})
    expected = oracle.probabilities(raw_logits(batches.PROMPTS["mean"], choice.token_ids), chosen)
    own = [row[token] for row, token in zip(expected, choice.token_ids, strict=True)]
    assert [math.exp(value) for value in choice.logprobs.token_logprobs] == pytest.approx(own, rel=5e-3)


def test_a_temperature_left_out_is_the_servers_default_of_1(client):
    choice = complete(client, {"edt_theta": 3}, logprobs=0, temperature=openai.omit).choices[0]
    expected = oracle.probabilities(raw_logits(batches.PROMPTS["mean"], choice.token_ids), requested({"edt_theta": 3}, temperature=1.0))
    own = [row[token] for row, token in zip(expected, choice.token_ids, strict=True)]
    assert [math.exp(value) for value in choice.logprobs.token_logprobs] == pytest.approx(own, rel=5e-3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"edt": "edt:theta=-1"}, "edt: theta must be a finite number >= 0, got -1.0"),
        ({"edt_theta": "0.2"}, "edt_theta must be a number >= 0, got '0.2'"),
        ({"edt_thata": 1}, "unknown field 'edt_thata'"),
        ({"edt": "instance-edt:theta=1"}, "needs first_entropy, which the vLLM plug-in does not keep"),
    ],
)
def test_bad_fields_are_answered_with_400_and_our_message(client, fields, message):
    with pytest.raises(openai.BadRequestError) as refused:
        complete(client, fields)
    assert refused.value.status_code == 400
    assert message in str(refused.value)
    assert complete(client).choices[0].token_ids  # and the server goes on


def test_a_model_of_embeddings_starts_and_answers_with_the_plug_in_installed(engine):
    found = engine("v1", [{"texts": ["Compute the mean."]}], runner="pooling", logprobs_mode="raw_logprobs").batches
    assert found == [{"sizes": [256]}]
