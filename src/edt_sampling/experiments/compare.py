"""A comparison from its first prompt to its last: dev chooses, test judges, and the ablations follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import Any

from edt_sampling.experiments.choice import Choice, choose
from edt_sampling.experiments.comparison import Comparison
from edt_sampling.experiments.contrasts import keep_pieces, pick
from edt_sampling.experiments.effects import effects
from edt_sampling.experiments.measures import DIVERSITY, measures, qualities
from edt_sampling.experiments.run import decode, force
from edt_sampling.experiments.score import Scores, joined, score
from edt_sampling.experiments.scored import Scored, scored, scored_dev
from edt_sampling.experiments.sensitivity import refined
from edt_sampling.experiments.stage import DEV, TEST, Stage
from edt_sampling.experiments.stages import dev_stage, forced_stage, shuffled_stage, test_stage
from edt_sampling.policies import Fixed, policy
from edt_sampling.protocol import Engine
from edt_sampling.significance.always_valid import FIRST_LOOK
from edt_sampling.significance.curve import influence
from edt_sampling.store import Reader, StoreError, Writer

Tell = Callable[[str], object]
Watch = Callable[[Stage, Iterator[int], int], object]
"""Consumes a stage's units as they are done, given how many were done before."""
LOOK = 50
"""With ``until``, test prompts from one look to the next."""
OFF = 0.5
"""A setting that so large a share of resamples finds off the curve will not be found on it with more prompts."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A comparison at work: whatever is complete already is left as it is, and the rest is run."""

    comparison: Comparison
    engine: Engine
    writer: Writer
    reader: Reader
    watch: Watch
    tell: Tell
    warn: Tell
    run_code: bool = False
    """Whether a metric may run programs that the model wrote."""
    spent: dict[str, float] = field(default_factory=dict[str, float], init=False)
    """Seconds in each stage since this start."""

    def run(self) -> None:
        """All stages, one after the other; with an engine that shows texts alone, without those that need more.

        Raises:
            StoreError: the run holds more test prompts than the recipe asks for.
        """
        recipe, comparison, began = self.comparison.recipe, self.comparison, perf_counter()
        metrics = measures(recipe.metrics, samples=recipe.samples, run_code=self.run_code, threads=recipe.threads)
        observes = self.engine.observes
        if observes:
            self._do(forced_stage(comparison, DEV), force)  # quick, and finds a reference that is too long before anything is generated
        self._do(dev_stage(comparison), decode)
        if any(metric.reads == "checks" for metric in metrics):
            self.tell("running the programs that the model wrote for dev")
        dev = scored_dev(self.reader, metrics)
        choice = choose(self.reader, dev, matching=observes)
        self._tell(choice, dev)
        prompts = self._until(choice, metrics) if recipe.until is not None else self._all(choice)
        if observes and not isinstance(policy(choice.chosen[0].policy), Fixed):
            self._do(shuffled_stage(comparison, self.reader, prompts), decode)
        if observes:
            self._keep_pieces(metrics)
        self.tell(_times(self.spent, perf_counter() - began))

    def _do(self, stage: Stage, work: Any) -> None:
        began = perf_counter()
        stage.begin(self.writer)
        done = sum(unit < len(stage.examples) for unit in self.writer.done(stage.name))
        with closing(work(stage, engine=self.engine, writer=self.writer, warn=self.warn)) as units:
            self.watch(stage, units, done)
        self.spent[stage.name] = self.spent.get(stage.name, 0.0) + perf_counter() - began

    def _tell(self, choice: Choice, dev: Scored) -> None:
        """What dev chose, and what the test prompts to come can find."""
        names = ", ".join(f"{s.method} ({s.policy})" for s in choice.chosen)
        self.tell(f"dev chose {names}; the fixed temperature with the best EDA is {choice.baseline}")
        points = [dev.settings.index(s) for s in choice.chosen]
        quality, diversity, curve = dev.scores.values[dev.primary], dev.scores.values[DIVERSITY], dev.curve
        parts = influence(diversity[:, points], quality[:, points], curve_diversity=diversity[:, curve], curve_quality=quality[:, curve])
        base = quality[:, [s.policy for s in dev.settings].index(choice.baseline)].mean()
        family = len(choice.chosen) * len(dev.metrics)
        self.tell(refined(float(parts[:, 0].std(ddof=1)), float(base), len(self.comparison.test), family, dev.primary))

    def _all(self, choice: Choice) -> int:
        """Every test prompt at once, and one look."""
        prompts, held = len(self.comparison.test), len(self.reader.examples(TEST))
        if held > prompts:
            raise StoreError(f"{self.writer.path}: holds {held} test prompts already; give --limit {held} or more, or --out another folder")
        self._force_test(prompts)
        self._do(test_stage(self.comparison, choice, prompts), decode)
        self.writer.look(prompts, sequential=False)
        return prompts

    def _until(self, choice: Choice, metrics: list[Any]) -> int:
        """Test prompts, more and more of them, until each effect is seen or known well enough; a look at each step."""
        parts: list[Scores] = []
        available, held, prompts = len(self.comparison.test), len(self.reader.examples(TEST)), 0
        while prompts < available:
            start, prompts = prompts, min(available, max(FIRST_LOOK, prompts + LOOK))
            self._do(test_stage(self.comparison, choice, prompts), decode)
            parts.append(score(self.reader, TEST, metrics, start=start, stop=prompts))
            self.writer.look(prompts, sequential=True)
            enough = self._enough(scored(self.reader, TEST, joined(parts), metrics, sequential=True))
            if enough and prompts >= held:  # what the run holds, it must finish: an earlier start may have asked for more
                break
        else:
            self.tell("these were all test prompts that there are")
        self._force_test(prompts)
        return prompts

    def _force_test(self, prompts: int) -> None:
        if self.engine.observes:
            self._do(forced_stage(self.comparison, TEST, prompts), force)

    def _enough(self, test: Scored) -> bool:
        """Whether each effect is seen, or lies in an interval of ``until`` on either side, or is off the curve for good."""
        limit = self.comparison.recipe.until
        assert limit is not None
        open_effects = [e for e in effects(test) if e.call not in ("better", "worse") and e.outside < OFF]
        halves = [e.effect.half if e.effect and e.call != "scored alike" else inf for e in open_effects]
        wide = (
            f"widest interval of those not seen \N{PLUS-MINUS SIGN}{max(halves):.4f}, wanted {limit:g}" if halves else "nothing left to see"
        )
        self.tell(f"{test.scores.prompts} test prompts: {wide}")
        return all(half <= limit for half in halves)

    def _keep_pieces(self, metrics: list[Any]) -> None:
        """Splits the texts that the page shows into tokens."""
        primary = qualities(metrics)[:1]
        test = scored(self.reader, TEST, score(self.reader, TEST, primary), primary)
        picked = pick(test.settings, test.scores.values[test.primary])
        if not {p.unit for p in picked} <= {unit for unit, *_ in self.reader.pieces(TEST)}:
            keep_pieces(picked, reader=self.reader, writer=self.writer, engine=self.engine)


def _times(spent: Mapping[str, float], total: float) -> str:
    """Where the time of this start went."""
    stages = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in spent.items())
    return f"this start took {total:.0f} s: {stages}, metrics and statistics {total - sum(spent.values()):.0f} s"
