"""An engine in a process of its own, because vLLM reads which runner to use once: batches of requests in, what came of them out.

Out comes a list with, for each batch, ``refused`` (the message) or ``requests``, and ``tempered``, H and T ``[rows]`` of each step in which
our processor changed something. A request is a list with, for each of its samples, its tokens and for each of them a dictionary from tokens
to log-probabilities, those after temperature and truncation.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path

os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"


def main(model: str, asked: str, out: str) -> None:
    from vllm import LLM

    given = json.loads(Path(asked).read_text(encoding="utf-8"))
    options = {"max_num_seqs": 8, "max_model_len": 128, "logprobs_mode": "processed_logprobs", "max_logprobs": 64} | given["options"]
    llm = LLM(model=model, dtype="float32", enforce_eager=True, compilation_config={"custom_ops": ["none"]}, seed=0, **options)
    found = [embedded(llm, batch) if "texts" in batch else ran(llm, batch) for batch in given["batches"]]
    if not options.get("disable_log_stats", True):
        found.append({metric.name: metric.value for metric in llm.get_metrics() if hasattr(metric, "value")})
    Path(out).write_bytes(pickle.dumps(found))


def ran(llm, batch):
    from vllm import SamplingParams

    from edt_sampling.conformance.vllm import Watched

    params = [SamplingParams(detokenize=False, ignore_eos=True, **read(p)) for p in batch["params"]]
    prompts = [{"prompt_token_ids": prompt} for prompt in batch["prompts"]]
    with Watched() as watched:
        try:
            answers = llm.generate(prompts, params, use_tqdm=False)
        except ValueError as error:
            return {"refused": str(error)}
        except Exception as error:
            return {"refused": str(error), "kind": type(error).__name__}
    steps = [(step.entropy.numpy(), step.temperature.numpy()) for step in watched.steps]
    return {"requests": [[sample(output) for output in answer.outputs] for answer in answers], "tempered": steps}


def read(params):
    """What JSON holds as SamplingParams takes it."""
    from vllm.sampling_params import StructuredOutputsParams

    if "logit_bias" in params:
        params = params | {"logit_bias": {int(token): bias for token, bias in params["logit_bias"].items()}}
    if "structured_outputs" in params:
        params = params | {"structured_outputs": StructuredOutputsParams(**params["structured_outputs"])}
    return params


def sample(output):
    logprobs = [{token: entry.logprob for token, entry in step.items()} for step in output.logprobs or ()]
    return list(output.token_ids), logprobs


def embedded(llm, batch):
    return {"sizes": [len(answer.outputs.embedding) for answer in llm.embed(batch["texts"], use_tqdm=False)]}


if __name__ == "__main__":
    main(*sys.argv[1:])
