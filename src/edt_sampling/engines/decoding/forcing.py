"""Teacher forcing: the logits of one pass over prompt and text serve all settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, cast

import numpy as np

from edt_sampling.policies import Policy
from edt_sampling.protocol import Forced, Setting
from edt_sampling.sampling import Filters, Statistics, reference
from edt_sampling.sampling.contract import READ, Backend
from edt_sampling.sampling.host import host
from edt_sampling.sampling.statistics import Kept


def forced(
    logits: Any, text: Sequence[int], settings: Sequence[Setting], *, kl: np.ndarray | None, ahead: Mapping[str, float], backend: Backend
) -> Forced:
    """What the settings make of the tokens ``text``, drawn from ``logits`` ``[tokens, vocab]``; ``kl`` ``[tokens]`` for policies that read
    the divergence, and ``ahead`` the statistics that are known before the text."""
    entropy, temperature = _read(logits, settings, kl, ahead, backend)
    tempered = backend.tempered(logits, np.array(text), temperature)
    return Forced(
        tokens=np.array(text),
        entropy=entropy,
        temperature=temperature,
        tempered_entropy=host(tempered.entropy),
        nll=host(tempered.nll),
    )


def _read(
    logits: Any, settings: Sequence[Setting], kl: np.ndarray | None, ahead: Mapping[str, float], backend: Backend
) -> tuple[np.ndarray, np.ndarray]:
    """Entropy read and temperature, ``[settings, tokens]``; the statistics are computed once for all settings with the same filters."""
    entropy, temperature = (np.empty((len(settings), len(logits))) for _ in range(2))
    groups: dict[Filters, list[int]] = {}
    for number, setting in enumerate(settings):
        groups.setdefault(setting.filters, []).append(number)
    for filters, numbers in groups.items():
        policies = [settings[n].policy for n in numbers]
        read = _on_host(backend.statistics(logits, filters=filters, needs=frozenset[str]().union(*(p.needs for p in policies))))
        entropy[numbers] = read.entropy
        temperature[numbers] = _temperatures(replace(read, kl=kl, **_kept(read.entropy, ahead)), policies)
    return entropy, temperature


def _on_host(read: Statistics) -> Statistics:
    columns = {f.name: getattr(read, f.name) for f in fields(read)}
    return Statistics(**{name: host(column) for name, column in columns.items() if column is not None})


def _kept(entropy: np.ndarray, ahead: Mapping[str, float]) -> dict[str, np.ndarray]:
    """The statistics that generating would keep at each token, were the text its own."""
    found = {"first_entropy": np.full_like(entropy, entropy[0]), "running_entropy": entropy.cumsum() / np.arange(1, len(entropy) + 1)}
    return found | {name: np.full_like(entropy, value) for name, value in ahead.items()}


def _temperatures(read: Statistics, policies: Sequence[Policy]) -> np.ndarray:
    """Each policy's temperature at each token, ``[policies, tokens]``."""
    tokens = len(read.entropy)
    mixture = reference.mixture([policy for policy in policies for _ in range(tokens)])
    columns = {f.name: getattr(read, f.name) for f in fields(read)}
    each: dict[str, np.ndarray] = {name: np.tile(column, len(policies)) for name, column in columns.items() if column is not None}
    kept = {name: each.pop(name) for name in READ & each.keys()}
    return reference.temperature_at(Statistics(**each), mixture, **cast(Kept, kept)).reshape(len(policies), tokens)
