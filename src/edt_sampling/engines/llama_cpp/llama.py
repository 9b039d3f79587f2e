"""llama-cpp-python's ``Llama`` with a policy a request, in the chain that the request would have had without one."""
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from llama_cpp import Llama, LogitsProcessorList

from edt_sampling.engines.fields import SPEC, requested
from edt_sampling.engines.llama_cpp.chain import Drawn, chain_names, check_draw, sampler_name
from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.engines.llama_cpp.sampler import DrawingSampler, Native, PolicySampler, Sampler
from edt_sampling.engines.llama_cpp.text import KEEPS, Steps
from edt_sampling.policies import Policy
from edt_sampling.sampling.contract import check_kept
from edt_sampling.sampling.filters import Filtering, Filters, MinP, Temperature, TopP

PLACES = ("penalties", "top-k", "typical", "top-p", "min-p", "temp")
"""The steps of llama-cpp-python's chain, by llama.cpp's names, that a policy may stand before."""
NEUTRAL = "?"
"""llama.cpp puts it before the name of a step that its parameter makes neutral."""
TRUNCATIONS: dict[str, Callable[[Mapping[str, Any]], Filtering]] = {
    "top-p": lambda options: TopP(max(options["top_p"], 1e-9)),  # 0 keeps the best token there
    "min-p": lambda options: MinP(min(options["min_p"], 1.0)),
}
"""Our filters for llama.cpp's steps, from a request's options. Not for top-k: behind llama.cpp's, which is fast, a draw costs nothing."""
SEEDS = 1 << 32
"""llama.cpp's seeds have 32 bits, so that -1 is ``RANDOM``."""


class PolicyLlama(Llama):
    """``Llama``, and its arguments, whose requests may ask for a policy: ``llama(prompt, edt="edt:theta=0.2", temperature=0.8)``.

    ``create_completion``, ``create_chat_completion``, ``generate`` and the call take the fields ``edt`` and ``edt_theta``; a t0 that is
    left out is the request's own temperature. Penalties, grammar, logit bias and truncation of the request stay in force. llama.cpp's
    temperature gives way to the policy, which stands before the step named by ``place``: ``top-k``, behind penalties and grammar and
    before all truncation, or ``temp`` for llama.cpp's own order, truncation first. A request without these fields runs as in ``Llama``.

    Where nothing but top-p and min-p stands between the policy and the draw, a ``DrawingSampler`` does all of it, with the request's seed:
    in a request with ``top_k=0``, and before ``temp``. ``draw="dist"`` leaves them to llama.cpp, which means other random numbers.
    """

    def __init__(self, *arguments: Any, place: str = "top-k", draw: Drawn = "counted", **options: Any) -> None:
        if place not in PLACES:
            raise ValueError(f"place must be the step that the policy stands before, one of {', '.join(PLACES)}, got {place!r}")
        check_draw(draw)
        self.place, self.draw = place, draw
        self._policy_sampler: Sampler | None = None
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
        others = LogitsProcessorList(processor for processor in processors if processor is not asked)
        chain = super()._init_sampler(*arguments, **options | {"temp": 1.0, "logits_processor": others or None})
        behind = removed(chain, start=self.place)
        filters = truncation(behind, options) if self.draw == "counted" else None
        self._policy_sampler = self._sampler_of(policy, filters)
        self._policy_sampler.add_to(chain.sampler)
        for native in behind:
            if filters is None:
                llama_cpp.llama_sampler_chain_add(chain.sampler, native)
            else:
                llama_cpp.llama_sampler_free(native)
        return chain

    def _sampler_of(self, policy: Policy, filters: Filters | None) -> Sampler:
        """One that draws within the filters, or where there are none one that tempers alone."""
        return PolicySampler(policy) if filters is None else DrawingSampler(policy, filters=filters, seed=self._seed % SEEDS)


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


def removed(chain: Any, *, start: str) -> list[Native]:
    """What stood in llama-cpp-python's ``LlamaSampler`` from the step of this name on, or from the last, which draws, where the chain has
    no such step (mirostat's has none).

    Samplers written in Python stand first there, and asking for the name of one would end the process.
    """
    own = len(chain.custom_samplers)
    names = [name.removeprefix(NEUTRAL) for name in chain_names(chain.sampler, start=own)]
    at = names.index(start) if start in names else len(names) - 1
    return [llama_cpp.llama_sampler_chain_remove(chain.sampler, own + at) for _ in names[at:]]


def truncation(behind: Sequence[Native], options: Mapping[str, Any]) -> Filters | None:
    """The request's truncation as our filters; None where other steps stand behind the policy, or another draw."""
    *names, last = [name for name in map(sampler_name, behind) if not name.startswith(NEUTRAL)]
    if last != "dist" or not set(names) <= TRUNCATIONS.keys():
        return None
    return Filters((Temperature(), *(TRUNCATIONS[name](options) for name in names)))
