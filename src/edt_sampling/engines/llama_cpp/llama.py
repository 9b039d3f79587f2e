"""llama-cpp-python's ``Llama`` with a policy a request, in the chain that the request would have had without one."""
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llama_cpp import Llama, LogitsProcessorList

from edt_sampling.engines.fields import SPEC, requested
from edt_sampling.engines.llama_cpp.chain import chain_names
from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.engines.llama_cpp.sampler import PolicySampler
from edt_sampling.engines.llama_cpp.tempering import KEEPS, Steps
from edt_sampling.sampling.contract import check_kept

PLACES = ("penalties", "top-k", "typical", "top-p", "min-p", "temp")
"""The steps of llama-cpp-python's chain, by llama.cpp's names, that a policy may stand before."""


class PolicyLlama(Llama):
    """``Llama``, and its arguments, whose requests may ask for a policy: ``llama(prompt, edt="edt:theta=0.2", temperature=0.8)``.

    ``create_completion``, ``create_chat_completion``, ``generate`` and the call take the fields ``edt`` and ``edt_theta``; a t0 that is
    left out is the request's own temperature. Penalties, grammar, logit bias and truncation of the request stay in force. llama.cpp's
    temperature gives way to the policy, which stands before the step named by ``place``: ``top-k``, behind penalties and grammar and
    before all truncation, or ``temp`` for llama.cpp's own order, truncation first. A request without these fields runs as in ``Llama``.
    """

    def __init__(self, *arguments: Any, place: str = "top-k", **options: Any) -> None:
        if place not in PLACES:
            raise ValueError(f"place must be the step that the policy stands before, one of {', '.join(PLACES)}, got {place!r}")
        self.place = place
        self._policy_sampler: PolicySampler | None = None
        super().__init__(*arguments, **options)

    @property
    def steps(self) -> Steps | None:
        """H and T of each step of the latest request; None where it asked for no policy."""
        return self._policy_sampler.steps if self._policy_sampler else None

    def close(self) -> None:
        """Frees the model; nothing where it was refused before it was loaded."""
        if hasattr(self, "_stack"):
            super().close()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.create_completion(*arguments, **options)

    def create_completion(self, *arguments: Any, **options: Any) -> Any:
        return super().create_completion(*arguments, **asking(options))

    def create_chat_completion(self, *arguments: Any, **options: Any) -> Any:
        return super().create_chat_completion(*arguments, **asking(options))

    def generate(self, *arguments: Any, **options: Any) -> Any:
        return super().generate(*arguments, **asking(options))

    def sample(self, *arguments: Any, **options: Any) -> Any:
        token = super().sample(*arguments, **options)
        if self._policy_sampler:
            self._policy_sampler.check()
        return token

    def _init_sampler(self, *arguments: Any, **options: Any) -> Any:
        processors = options.get("logits_processor") or []
        asked = next((processor for processor in processors if isinstance(processor, Asked)), None)
        self._policy_sampler = None
        if asked is None:
            return super()._init_sampler(*arguments, **options)
        policy = requested(asked.fields, temperature=options["temp"])
        assert policy is not None
        self._policy_sampler = PolicySampler(policy)
        others = LogitsProcessorList(processor for processor in processors if processor is not asked)
        chain = super()._init_sampler(*arguments, **options | {"temp": 1.0, "logits_processor": others or None})
        insert(chain, self._policy_sampler, before=self.place)
        return chain


class Processors(LogitsProcessorList):
    """A request's processors, ours among them. llama-cpp-python adds the logit bias by ``processors = processors.extend(...)``, which for a
    list is None: every processor would be lost."""

    def extend(self, values: Iterable[Any]) -> Any:
        super().extend(values)
        return self


class Asked:
    """The fields by which a request asks for a policy. It travels as one of the request's logits processors, which every chat format hands
    on, and which stay with the request while its text is streamed."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        raise RuntimeError("a request's policy is no processor of its own: call PolicyLlama with edt=")


def asking(options: Mapping[str, Any]) -> dict[str, Any]:
    """A request's options with our fields among its logits processors; as they are where it asks for no policy.

    Raises ValueError for fields that say no policy, and for a policy that needs a statistic which is not kept here.
    """
    fields = {name: value for name, value in options.items() if name.startswith(SPEC)}
    others = {name: value for name, value in options.items() if name not in fields}
    policy = requested(fields, temperature=1.0)
    if policy is None:
        return others
    check_kept([policy], KEEPS, keeper="llama.cpp's sampler")
    return others | {"logits_processor": Processors([*(others.get("logits_processor") or []), Asked(fields)])}


def insert(chain: Any, sampler: PolicySampler, *, before: str) -> None:
    """Puts a sampler into llama-cpp-python's ``LlamaSampler``, before the step of this name, or before the last, which draws, where the
    chain has no such step (mirostat's has none).

    Samplers written in Python stand first there, and asking for the name of one would end the process. llama.cpp puts a question mark
    before the name of a step that its parameter makes neutral.
    """
    start = len(chain.custom_samplers)
    names = [name.lstrip("?") for name in chain_names(chain.sampler, start=start)]
    at = names.index(before) if before in names else len(names) - 1
    behind = [llama_cpp.llama_sampler_chain_remove(chain.sampler, start + at) for _ in names[at:]]
    sampler.add_to(chain.sampler)
    for native in behind:
        llama_cpp.llama_sampler_chain_add(chain.sampler, native)
