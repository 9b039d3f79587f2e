"""The page's Python runs as it stands, from top to bottom, beside the folder that its command writes."""

from __future__ import annotations

import re
from pathlib import Path

from transformers import GenerationMixin
from transformers.generation.continuous_batching import cb_logits_processors

from edt_sampling.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "engines" / "transformers.md"


def test_the_pages_blocks_run_to_the_letter(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(GenerationMixin, "_get_logits_processor", GenerationMixin._get_logits_processor)
    known = cb_logits_processors.CLASSIC_TO_CB_PROCESSORS_MAP
    monkeypatch.setattr(cb_logits_processors, "CLASSIC_TO_CB_PROCESSORS_MAP", dict(known))
    assert main(["export", "custom-generate", "--out", "edt"]) == 0
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    session: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), session)
    assert "mean of the array" in capsys.readouterr().out
    assert all(answer.generated_tokens for answer in session["answers"])
