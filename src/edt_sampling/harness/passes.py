"""Passes of policies over all documents of the tasks, each evaluated by the harness and kept as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import lm_eval
from lm_eval.tasks import TaskManager
from lm_eval.utils import handle_non_serializable

from edt_sampling.harness.answers import Pass
from edt_sampling.harness.model import EdtLM
from edt_sampling.sampling import Filters
from edt_sampling.store import content_hash, run_folder

FEWSHOT_SEED = 1234  # the harness's own default
SAMPLES = 1 << 16
"""A repeat's first sample number is a multiple of it: a task that repeats its documents itself has so many of its own."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which documents, and how they are put to the model; the same for every policy. ``limit`` None: all of them."""

    tasks: tuple[str, ...]
    limit: int | None = None
    num_fewshot: int | None = None
    include_path: str | None = None
    filters: str = "temperature,top_p=0.95"
    chat: bool = False


class Bench:
    """A model, the tasks, and the folder in ``out`` that keeps each pass as soon as it is done.

    Raises ValueError for a task in which nothing is generated.
    """

    def __init__(self, model: EdtLM, asked: Asked, manager: Any, out: Path, *, run_code: bool = False) -> None:
        self.model, self.asked, self.run_code = model, asked, run_code
        self.loaded = manager.load(list(asked.tasks))
        self.tasks: dict[str, Any] = self.loaded["tasks"]
        for name, task in self.tasks.items():
            _show_examples(task, asked.num_fewshot)
            if task.OUTPUT_TYPE != "generate_until":
                raise ValueError(f"task {name} must generate text, its output is {task.OUTPUT_TYPE}: no policy changes what it measures")
        self.folder = run_folder(out, task=f"harness-{'-'.join(asked.tasks)}"[:80], content=content_hash(self.describe()))

    def describe(self) -> dict[str, Any]:
        """What decides the answers beside policy and seed, and names the folder: tasks count by their contents."""
        return {
            **asdict(self.asked),
            "filters": str(Filters.parse(self.asked.filters)),
            "include_path": None,
            "tasks": {name: _content(task, self.asked.limit) for name, task in self.tasks.items()},
            "model": self.model.fingerprint,
            "dtype": str(self.model.model.dtype).removeprefix("torch."),
            "lm_eval": lm_eval.__version__,
        }

    def run(self, policies: Sequence[str], *, seeds: Sequence[int], repeats: int) -> Iterator[Pass]:
        """Every policy under every seed, ``repeats`` times, a policy's passes together; those that are on disk are read.

        Raises ValueError, before anything is generated, for a policy that the harness's generate cannot follow.
        """
        for policy in policies:
            self.model.draw_with(policy)
        for policy, seed, repeat in product(policies, seeds, range(repeats)):
            path = self.path(policy, seed, repeat)
            if not path.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
                written = path.with_suffix(".part")
                written.write_text(json.dumps(asdict(self._evaluated(policy, seed, repeat)), ensure_ascii=False), encoding="utf-8")
                written.replace(path)
            yield Pass(**json.loads(path.read_text(encoding="utf-8")))

    def path(self, policy: str, seed: int, repeat: int) -> Path:
        """Where a pass is kept."""
        return self.folder / f"{policy.replace(':', '-')}-seed{seed}-repeat{repeat}.json"

    def _evaluated(self, policy: str, seed: int, repeat: int) -> Pass:
        self.model.draw_with(policy, filters=self.asked.filters, seed=seed, sample=repeat * SAMPLES)
        began = perf_counter()
        for task in self.tasks.values():
            task.set_fewshot_seed(seed=FEWSHOT_SEED)  # anew, so that every pass sees the same examples
        found: Any = cast(Any, lm_eval).evaluate(
            lm=self.model,
            task_dict=self.loaded,
            limit=self.asked.limit,
            apply_chat_template=self.asked.chat,
            fewshot_as_multiturn=self.asked.chat,
            bootstrap_iters=0,
            log_samples=True,
            confirm_run_unsafe_code=self.run_code,
        )
        samples: dict[str, list[dict[str, Any]]] = {name: sorted(found["samples"][name], key=lambda s: s["doc_id"]) for name in self.tasks}
        return Pass(
            policy=policy,
            seed=seed,
            repeat=repeat,
            seconds=perf_counter() - began,
            values={name: _values(rows) for name, rows in samples.items()},
            reported={name: _reported(found["results"][name]) for name in self.tasks},
            texts={name: _texts(rows) for name, rows in samples.items()},
        )


def task_manager(asked: Asked) -> Any:
    """The harness's index of tasks: of ``include_path`` and files alone where that holds all that are asked for, because reading the
    shipped ones takes long. Raises ValueError for a task that is nowhere."""
    for defaults in (False, True):
        manager = TaskManager(include_path=asked.include_path, include_defaults=defaults)
        unknown = [name for name in asked.tasks if not Path(name).is_file() and not manager.match_tasks([name])]
        if not unknown:
            return manager
    raise ValueError(f"unknown task {unknown[0]!r}: give one of the harness (lm_eval ls tasks), a YAML file, or include_path, its folder")


def _show_examples(task: Any, wanted: int | None) -> None:
    """Sets the number of examples before a document as the harness does: a task that says 0 keeps it."""
    own = task.get_config("num_fewshot")
    task.set_config(key="num_fewshot", value=own if wanted is None or own == 0 else wanted)
    if task.get_config("num_fewshot") is None:
        task.set_config(key="num_fewshot", value=0)


def _content(task: Any, limit: int | None) -> str:
    """A hash of a task's configuration and of its documents, as far as they are asked for."""
    config = task.dump_config()
    config["metadata"] = {k: v for k, v in (config.get("metadata") or {}).items() if k != "config_source"}
    documents = [task.eval_docs[i] for i in range(min(limit or len(task.eval_docs), len(task.eval_docs)))]
    return content_hash({"task": json.dumps([config, documents], default=handle_non_serializable, sort_keys=True)})[:12]


def _values(samples: Sequence[Mapping[str, Any]]) -> dict[str, list[float | None]]:
    """By ``metric,filter`` as the harness writes it, one value a document."""
    values: dict[str, list[float | None]] = {}
    for sample in samples:
        for metric in sample["metrics"]:
            values.setdefault(f"{metric},{sample['filter']}", []).append(_number(sample[metric]))
    return values


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _reported(results: Mapping[str, Any]) -> dict[str, float]:
    """The harness's numbers by ``metric,filter``, without its errors."""
    found = {name: _number(value) for name, value in results.items() if "," in name and "_stderr" not in name}
    return {name: value for name, value in found.items() if value is not None}


def _texts(samples: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """All answers to each document; equal under every filter, so those of the first."""
    first = [sample for sample in samples if sample["filter"] == samples[0]["filter"]]
    return [[text for answers in sample["resps"] for text in answers] for sample in first]
