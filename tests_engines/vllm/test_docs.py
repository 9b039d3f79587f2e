"""docs/engines/vllm.md: its Python runs as it stands, and what it says in words and tables is what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from edt_sampling.engines.vllm.speculation import REFUSED

PAGE = (Path(__file__).parents[2] / "docs" / "engines" / "vllm.md").read_text(encoding="utf-8")
HERE = """
import functools, os, torch, vllm
os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
if not torch.cuda.is_available():  # what the shim has no kernels for
    vllm.LLM = functools.partial(vllm.LLM, dtype="float32", enforce_eager=True, compilation_config={"custom_ops": ["none"]})
from edt_sampling.conformance.vllm import Watched
with Watched() as watched:
    exec(BLOCK)
print(len(watched.columns()[0]), "rows")
"""


def test_the_python_of_the_page_runs_as_it_stands(environment, tmp_path):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    own = environment | {"VLLM_USE_V2_MODEL_RUNNER": "0"}
    (tmp_path / "pasted.py").write_text(f"BLOCK = {block!r}\n{HERE}", encoding="utf-8")
    ran = subprocess.run([sys.executable, str(tmp_path / "pasted.py")], env=own, capture_output=True, text=True, timeout=200, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert int(re.search(r"^(\d+) rows$", ran.stdout, re.MULTILINE).group(1)) > 0


def test_the_page_quotes_what_is_refused():
    assert "VLLM_USE_V2_MODEL_RUNNER=1" in REFUSED
    assert "start the server with VLLM_USE_V2_MODEL_RUNNER=1" in PAGE
    assert "edt: theta must be a finite number >= 0, got -1.0" in PAGE
