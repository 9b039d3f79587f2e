"""A policy as a sampler of llama.cpp's own chain, which tempers, or tempers and draws: native callbacks into Python."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from itertools import count
from typing import Any

from edt_sampling.engines.llama_cpp.counted import RANDOM, Counted
from edt_sampling.engines.llama_cpp.drawing import Drawing
from edt_sampling.engines.llama_cpp.native import llama_cpp
from edt_sampling.engines.llama_cpp.tempering import Tempering
from edt_sampling.engines.llama_cpp.text import Steps, Text
from edt_sampling.policies import Policy
from edt_sampling.sampling.filters import UNFILTERED, Filters

Native = Any
"""A ``llama_sampler *`` of llama_cpp."""


class Sampler:
    """A text's policy in a chain of llama.cpp's. The chain's ``reset`` begins another text, its ``clone`` goes on apart from the original.

    An error cannot pass through llama.cpp: it is kept, and ``check`` or ``steps`` raise it.
    """

    def __init__(self, text: Text) -> None:
        self._held = Held(text)

    def native(self) -> Native:
        """A new ``llama_sampler *`` over this object's text. Whoever takes it frees it with ``llama_sampler_free``, as a chain does."""
        return self._held.native()

    def add_to(self, chain: Native) -> None:
        """Puts itself at the end of a chain, which frees it."""
        llama_cpp.llama_sampler_chain_add(chain, self.native())

    @property
    def steps(self) -> Steps:
        """H and T of each step so far; see ``Steps``. Raises what ``check`` raises."""
        self.check()
        return self._held.text.steps

    def check(self) -> None:
        """Raises, once, the error that a callback has met since the last check."""
        failure, self._held.failure = self._held.failure, None
        if failure is not None:
            raise failure


class PolicySampler(Sampler):
    """Divides the logits of the candidates by the temperature that ``policy``, or its spec string, gives them: all of it, t0 included.

    Every policy works that reads statistics of the candidates, or their entropies in this text. Where the sampler stands in a chain decides
    what it reads: behind top-p, for one, only what top-p left. Where an error is kept, the candidates stay as they came.
    """

    def __init__(self, policy: str | Policy) -> None:
        super().__init__(Tempering(policy))


class DrawingSampler(Sampler):
    """A ``PolicySampler`` that draws as well, at a chain's end, where ``temp`` and ``dist`` would stand.

    It draws the token that ``edt.draw`` draws from the logits that the samplers in front of it leave, with ``filters`` such as
    ``temperature,top_k=40,top_p=0.95``, all of them behind the temperature. The random numbers are those of ``edt.uniforms(seed, request,
    sample, steps)``, one a draw; the seed ``RANDOM`` takes one of its own. The token is ``selected`` and its probability written; the
    candidates' logits stay as they came. A row that holds no distribution is an error for ``check``.

    Raises ValueError for filters before the temperature, and for mirostat.
    """

    def __init__(
        self, policy: str | Policy, *, filters: str | Filters = UNFILTERED, seed: int = RANDOM, request: int = 0, sample: int = 0
    ) -> None:
        behind = Filters.parse(filters) if isinstance(filters, str) else filters
        super().__init__(Drawing(policy, filters=behind, numbers=Counted(seed=seed, request=request, sample=sample)))


class Held:
    """What llama.cpp holds of a sampler: the policy at its text, the policy's name as C has it, and the error that could not be raised."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.name = ctypes.create_string_buffer(text.policy.name.encode())
        self.failure: BaseException | None = None

    def native(self) -> Native:
        """A new ``llama_sampler *`` whose native context is a handle of this object."""
        handle = next(_HANDLES)
        _STANDING[handle] = self
        return llama_cpp.llama_sampler_init(ctypes.byref(_INTERFACE), handle)

    def guarded(self, action: Callable[[Text], None]) -> None:
        """Runs an action; what it raises is kept, an interrupt too, because ctypes would print it and go on."""
        try:
            action(self.text)
        except BaseException as error:
            self.failure = self.failure or error


_HANDLES = count(1)
_STANDING: dict[int, Held] = {}
"""What llama.cpp holds, by the handles that it holds it by."""


def standing() -> int:
    """How many native samplers of this module llama.cpp holds."""
    return len(_STANDING)


def _of(native: Native) -> Held:
    return _STANDING[native.contents.ctx]


def _name(address: int) -> int:
    return ctypes.addressof(_of(_pointer(address)).name)


def _accept(native: Native, _token: int) -> None:
    _of(native).guarded(lambda text: text.accept())


def _apply(native: Native, candidates: Any) -> None:
    held, array = _of(native), candidates.contents
    if held.text.draws:
        array.selected = 0 if array.size else -1  # llama.cpp ends the process where none is, as an error would leave it
    held.guarded(lambda text: text.act(array))


def _reset(native: Native) -> None:
    _of(native).guarded(lambda text: text.reset())


def _clone(address: int) -> int | None:
    return ctypes.cast(Held(_of(_pointer(address)).text.copy()).native(), ctypes.c_void_p).value


def _free(native: Native, standing: dict[int, Held] = _STANDING) -> None:
    standing.pop(native.contents.ctx, None)


def _copy_state(source: Native, target: Native) -> None:
    _of(target).text = _of(source).text.copy()


def _pointer(address: int) -> Native:
    return ctypes.cast(address, llama_cpp.llama_sampler_p_ctypes)


def _interface() -> Any:
    """The callbacks; those that put sampling into the model's graph are not there, so that llama.cpp calls the others on the CPU.

    ctypes lets no callback return a pointer but as an address, and a string as the address of one that stays.
    """
    returning_address = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
    interface = llama_cpp.llama_sampler_i()
    interface.name = ctypes.cast(returning_address(_name), llama_cpp.llama_sampler_i_name)
    interface.accept = llama_cpp.llama_sampler_i_accept(_accept)
    interface.apply = llama_cpp.llama_sampler_i_apply(_apply)
    interface.reset = llama_cpp.llama_sampler_i_reset(_reset)
    interface.clone = ctypes.cast(returning_address(_clone), llama_cpp.llama_sampler_i_clone)
    interface.free = llama_cpp.llama_sampler_i_free(_free)
    interface.copy_state = llama_cpp.llama_sampler_i_copy_state(_copy_state)
    return interface


_INTERFACE = _interface()
