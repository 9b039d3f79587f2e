"""vLLM on this machine: on a CPU where there is no GPU, by the shim; engines in processes of their own; the oracle."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

HERE = Path(__file__).parent
OFFLINE = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
ON_A_CPU = {
    "EDT_VLLM_CPU_SHIM": "1",
    "VLLM_TARGET_DEVICE": "cpu",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "TRITON_INTERPRET": "1",
    "CUDA_VISIBLE_DEVICES": "",
}

os.environ.update(OFFLINE)
sys.path.insert(0, str(HERE))
if not torch.cuda.is_available():
    os.environ.update(ON_A_CPU)
    import cpu_shim

    cpu_shim.plugin()


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """The environment of a process in which vLLM finds the shim by itself: its entry point, as an installed package has it."""
    folder = tmp_path_factory.mktemp("plugins")
    info = folder / "edt_cpu_shim-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: edt-cpu-shim\nVersion: 0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[vllm.general_plugins]\nedt_cpu_shim = cpu_shim:plugin\n", encoding="utf-8")
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{HERE}", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def engine(environment, tmp_path_factory):
    """Runs batches in an engine of one runner; what came of each, see ``engine_session``."""

    from oracle import MODEL

    def run(runner, batches, /, **options):
        files = tmp_path_factory.mktemp("session")
        (files / "asked.json").write_text(json.dumps({"options": options, "batches": batches}), encoding="utf-8")
        own = environment | {"VLLM_USE_V2_MODEL_RUNNER": "1" if runner == "v2" else "0"}
        command = [sys.executable, str(HERE / "engine_session.py"), MODEL, str(files / "asked.json"), str(files / "found.pickle")]
        ended = subprocess.run(command, env=own, capture_output=True, text=True, timeout=300, check=False)
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
        return SimpleNamespace(batches=pickle.loads((files / "found.pickle").read_bytes()), log=ended.stdout + ended.stderr)

    return run
