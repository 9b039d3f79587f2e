"""vLLM: our logits processor among the steps of either runner's own sampler, and the engine itself, in this process."""
# pyright: reportMissingImports=false

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor
from vllm import LLM, SamplingParams

from edt_sampling.conformance.golden import T0
from edt_sampling.conformance.subject import NotPossible, Rows, Steps
from edt_sampling.engines.source import BUNDLED, model_source
from edt_sampling.engines.vllm import EDTLogitsProcessor
from edt_sampling.sampling.torch_tempering import Tempering

Runner = Literal["v1", "v2"]
OWN = T0 + 0.1
"""vLLM's own temperature, which is none of the policies' so that one which was left in place would show."""


class VllmSubject:
    """One runner a process: vLLM reads the environment that chooses it once. ``VLLM_USE_V2_MODEL_RUNNER`` says which one where the caller
    does not, V2 where neither does.

    V1's margin is wider: it divides by its own temperature in float32 before us, which rounds logits that are far from zero.
    """

    engine, steps_margin = "vllm", 1e-3

    def __init__(self, runner: Runner | None = None) -> None:
        chosen: Runner = "v1" if os.environ.get("VLLM_USE_V2_MODEL_RUNNER") == "0" else "v2"
        self.runner: Runner = runner or chosen
        self.rows_margin = 1e-4 if self.runner == "v1" else 1e-5
        self.sampler = "temperature, processor, top-p" if self.runner == "v1" else "processor, temperature, top-p"
        self._llm: Any = None

    def versions(self) -> str:
        return f"vllm {version('vllm')}, {self.runner.upper()} runner"

    def rows(self, logits: np.ndarray, policies: Sequence[str], *, top_p: float, uniform: np.ndarray) -> Rows:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        params = [_params(spec, top_p=top_p) for spec in policies]
        with Watched() as watched:
            left = (v1_steps if self.runner == "v1" else v2_steps)(torch.from_numpy(logits).to(device), params)
        entropy, temperature = watched.columns()
        return Rows(entropy=entropy, temperature=temperature, probabilities=left.double().softmax(-1).cpu().numpy(), tokens=None)

    def open(self) -> None:
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        os.environ["VLLM_USE_V2_MODEL_RUNNER"] = "1" if self.runner == "v2" else "0"
        try:
            self._llm = LLM(
                model=model_source(BUNDLED),
                dtype="float32",
                enforce_eager=True,
                max_num_seqs=8,
                compilation_config={"custom_ops": ["none"]},
                logits_processors=[EDTLogitsProcessor],
            )
        except (RuntimeError, OSError, NotImplementedError) as error:
            raise NotPossible(f"vLLM does not start here: {str(error).strip().partition(chr(10))[0]}") from error

    def steps(self, prompt: Sequence[int], text: Sequence[int], policy: str) -> Steps:
        with Watched() as watched:
            for known in range(len(text)):
                self._generate([*prompt, *text[:known]], _params(policy, max_tokens=1))
        entropy, temperature = watched.columns()
        return Steps(entropy=entropy, temperature=temperature)

    def greedy(self, prompt: Sequence[int], tokens: int) -> list[int]:
        return self._generate(list(prompt), SamplingParams(temperature=0, max_tokens=tokens))

    def close(self) -> None:
        self._llm.llm_engine.engine_core.shutdown()
        self._llm = None

    def _generate(self, prompt: list[int], params: SamplingParams) -> list[int]:
        found = self._llm.generate([{"prompt_token_ids": prompt}], params, use_tqdm=False)
        return list(found[0].outputs[0].token_ids)


class Watched:
    """Takes down what our processor reads and gives while this is open: ``steps``, one for each of its calls that tempered."""

    def __enter__(self) -> Watched:
        self.steps: list[Tempering] = []
        temper, found = EDTLogitsProcessor.temper, self.steps

        def watched(processor: EDTLogitsProcessor, *args: Any, **named: Any) -> Tempering:
            found.append(temper(processor, *args, **named))
            return found[-1]

        self._patch = patch.object(EDTLogitsProcessor, "temper", watched)
        self._patch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.stop()

    def columns(self) -> tuple[np.ndarray, np.ndarray]:
        """H and T of all rows, one after the other."""
        return tuple(torch.cat([getattr(step, name) for step in self.steps]).cpu().numpy() for name in ("entropy", "temperature"))  # type: ignore[return-value]


def v1_steps(logits: Tensor, params: Sequence[SamplingParams]) -> Tensor:
    """What the V1 runner's own functions and our processor leave of ``logits`` ``[rows, vocab]``, one request a row."""
    from vllm.v1.sample.logits_processor import BatchUpdate
    from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p
    from vllm.v1.sample.sampler import Sampler

    processor = EDTLogitsProcessor(object(), logits.device, False)
    added = [(row, asked, None, []) for row, asked in enumerate(params)]
    processor.update_state(BatchUpdate(batch_size=len(params), removed=[], added=added, moved=[]))
    own, top_p = (_column(name, params, logits.device) for name in ("temperature", "top_p"))
    return apply_top_k_top_p(processor.apply(Sampler.apply_temperature(logits, own, False)), None, top_p)


def v2_steps(logits: Tensor, params: Sequence[SamplingParams]) -> Tensor:
    """The same of the V2 runner's; its temperature is a Triton kernel."""
    from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext
    from vllm.v1.worker.gpu.sample.states import SamplingStates

    processor = EDTLogitsProcessor(object(), SimpleNamespace(max_num_reqs=len(params), device=logits.device))
    states = SamplingStates(len(params), logits.shape[1])
    for slot, asked in enumerate(params):
        states.add_request(slot, asked)
        processor.add_request(slot, asked)
    for owner in (states, processor):
        owner.apply_staged_writes()
    slots, host = torch.arange(len(params), dtype=torch.int32, device=logits.device), np.arange(len(params))
    rows = LogitsContext(
        expanded_idx_mapping=slots,
        idx_mapping=slots,
        idx_mapping_np=host,
        expanded_local_pos=torch.zeros_like(slots),
        input_ids=torch.zeros_like(slots),
        pos=torch.zeros_like(slots),
        seq_lens_upper_bound_np=np.ones_like(host),
    )
    logits = processor.apply(logits, rows)
    states.apply_temperature(logits, slots, host)
    return states.apply_top_k_top_p(logits, slots, host)


def _params(policy: str, **named: Any) -> SamplingParams:
    return SamplingParams(temperature=OWN, extra_args={"edt": policy}, **named)


def _column(name: str, params: Sequence[SamplingParams], device: torch.device) -> Tensor:
    return torch.tensor([getattr(asked, name) for asked in params], device=device)
