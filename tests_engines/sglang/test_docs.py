"""docs/engines/sglang.md: its Python runs as it stands, and SGLang's own classes read what it sends."""

from __future__ import annotations

import re
from pathlib import Path

from sglang.srt.sampling.custom_logit_processor import CustomLogitProcessor
from sglang.srt.sampling.sampling_params import SamplingParams

from edt_sampling.engines.fields import requested
from edt_sampling.engines.sglang import EDTLogitProcessor
from edt_sampling.policies import policy

PAGE = (Path(__file__).parents[2] / "docs" / "engines" / "sglang.md").read_text(encoding="utf-8")


class Answer:
    def json(self):
        return {"text": "a time"}


def test_the_python_of_the_page_runs_as_it_stands_and_sends_a_policy(monkeypatch, capsys):
    import requests

    sent = []
    monkeypatch.setattr(requests, "post", lambda url, json: sent.append((url, json)) or Answer())
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(block, {})
    assert capsys.readouterr().out == "a time\n"
    ((url, body),) = sent
    assert url.endswith("/generate")
    params = SamplingParams(**body["sampling_params"])
    assert requested(params.custom_params, temperature=params.temperature) == policy("edt:t0=0.8,theta=0.2")
    assert type(CustomLogitProcessor.from_str(body["custom_logit_processor"])) is EDTLogitProcessor
