"""``edt compare`` with stop watches at the model and the draw: the last line it prints holds their seconds as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

SHARES = ("until the model is there", "the model", "the draw", "decoding around them")
BACKEND = ("draw", "statistics", "temperature", "temperature_at", "tempered", "divergence")
"""What engines ask of the sampling room: all of it counts as the draw."""


class StopWatch:
    """Seconds within calls; a call within another of the same watch counts once, and one of an ``inner`` watch not at all."""

    def __init__(self, *inner: StopWatch) -> None:
        self.seconds, self._depth, self._inner = 0.0, 0, inner

    def begin(self, *_: Any) -> None:
        if not self._depth:
            self._began = time.perf_counter()
            self._before = sum(watch.seconds for watch in self._inner)
        self._depth += 1

    def end(self, *_: Any) -> None:
        self._depth -= 1
        if not self._depth:
            self.seconds += time.perf_counter() - self._began - (sum(watch.seconds for watch in self._inner) - self._before)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, watched; so are the steps of what it yields, and not what is done between them."""

        def watched(*given: Any, **named: Any) -> Any:
            self.begin()
            try:
                found = call(*given, **named)
            finally:
                self.end()
            return self._stepped(found) if hasattr(found, "__next__") else found

        return watched

    def _stepped(self, steps: Any) -> Any:
        advance = self.around(lambda: next(steps, _END))
        while (found := advance()) is not _END:
            yield found


_END = object()


def main(flags: list[str], *, began: float) -> None:
    """Runs the command; ``began``: when this process did, by ``time.time``."""
    from edt_sampling.cli import compare

    model, draw = StopWatch(), StopWatch()
    engine_watch = StopWatch(model, draw)
    loaded: list[float] = []
    load = compare.engine_of

    def engine_of(*given: Any) -> Any:
        engine = load(*given)
        engine.model.register_forward_pre_hook(model.begin)
        engine.model.register_forward_hook(model.end, always_call=True)
        for name in ("generate", "force"):
            setattr(engine, name, engine_watch.around(getattr(engine, name)))
        loaded.append(time.time() - began)
        return engine

    compare.engine_of = engine_of
    _watch_backend(draw)
    compare.command.main(flags, standalone_mode=False)
    found = zip(SHARES, (loaded[0], model.seconds, draw.seconds, engine_watch.seconds), strict=True)
    print("\n" + json.dumps(dict(found)))


def _watch_backend(watch: StopWatch) -> None:
    from edt_sampling.sampling import torch as backend

    for name in BACKEND:
        setattr(backend, name, watch.around(getattr(backend, name)))


if __name__ == "__main__":
    main(sys.argv[1:], began=time.time())
