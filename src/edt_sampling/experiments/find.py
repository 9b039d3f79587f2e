"""From a complete run to its findings: everything is computed again from the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edt_sampling.experiments.best_of import best_of
from edt_sampling.experiments.choice import aim
from edt_sampling.experiments.contrasts import contrasts, pick
from edt_sampling.experiments.distributions import lengths, token_distributions
from edt_sampling.experiments.effects import against_ablations, against_baseline, effects
from edt_sampling.experiments.findings import Acting, Distribution, Findings
from edt_sampling.experiments.forced import acting, forced_points
from edt_sampling.experiments.measures import DIVERSITY, label, measures
from edt_sampling.experiments.observed import OBSERVATIONS, UNSEEN, observed
from edt_sampling.experiments.recipe import Recipe
from edt_sampling.experiments.rows import band, rows
from edt_sampling.experiments.scored import Scored, scored_dev, scored_test
from edt_sampling.experiments.stage import DEV, FORCED, SHUFFLED, TEST
from edt_sampling.experiments.verdict import sentence, sentences
from edt_sampling.metrics.eda import Eda
from edt_sampling.policies import Fixed, policy
from edt_sampling.significance.always_valid import FIRST_LOOK
from edt_sampling.store import Reader, StoreError

NOWHERE = Acting(entropy=Distribution(method="references", policy="", edges=(), shares=()), temperatures=())
"""Where the subject acts, while no entropy is known."""


def find(reader: Reader, *, metrics: Sequence[str] | None = None, run_code: bool = False) -> Findings:
    """The findings of a complete run, by these metrics (default: its recipe's); with ``run_code`` they may run programs of the model.

    Raises:
        StoreError: a stage is missing or not complete.
        ValueError: a metric must run programs, and may not.
    """
    check_complete(reader)
    stored = reader.recipe()
    recipe = Recipe.model_validate({**stored, "metrics": list(metrics or stored["metrics"])})
    chosen = measures(recipe.metrics, samples=recipe.samples, run_code=run_code, threads=recipe.threads)
    seen, dev, test = observed(reader.environments()), scored_dev(reader, chosen), scored_test(reader, chosen)
    dev, test = (dev, test) if seen else (_unseen(dev), _unseen(test))
    eda = aim(dev.settings, dev.scores.values[dev.primary].mean(axis=0))
    primary = next(metric for metric in chosen if metric.name == test.primary)
    subject, shown = recipe.candidates[0].name, test.having("baseline", "chosen")
    found, paired, ablations = effects(test), against_baseline(test), against_ablations(test)
    points = forced_points(reader, FORCED[TEST]) if seen else []
    entropies, temperatures = token_distributions(reader, TEST, shown) if seen else ((), ())
    return Findings(
        headline=sentence(found[0]),
        sentences=tuple(sentences(found, paired, ablations, points)),
        subject=subject,
        primary=test.primary,
        diversity=DIVERSITY,
        model=recipe.model,
        task=recipe.task,
        content=reader.content(),
        dev_prompts=dev.scores.prompts,
        test_prompts=test.scores.prompts,
        samples=recipe.samples,
        seeds=tuple(recipe.seeds),
        sequential=test.sequential,
        rows=(*rows(test, eda), *rows(dev, eda)),
        band=tuple(band(test)),
        effects=tuple(found),
        paired=tuple(paired),
        ablations=tuple(ablations),
        best_of=tuple(best_of(dev.settings, dev.scores.values[dev.primary], dev.scores.values[DIVERSITY])),
        forced=tuple(points),
        forced_tokens=sum(steps.nll.shape[1] for steps in reader.forced(FORCED[TEST])),
        acting=acting(reader, FORCED[TEST], subject) if seen else NOWHERE,
        entropies=entropies,
        temperatures=temperatures,
        lengths=lengths(reader, TEST, shown, recipe.max_new_tokens),
        contrasts=tuple(contrasts(pick(test.settings, test.scores.values[test.primary]), reader=reader, metric=primary)),
        signatures=_signatures(dev, test, eda, forced=seen),
        environments=tuple(reader.environments()),
        recipe=recipe.model_dump(mode="json"),
        notes=(*(() if seen else (UNSEEN,)), *_notes(recipe, (dev, test))),
    )


def check_complete(reader: Reader) -> None:
    """Raises StoreError, which says what is missing, for a run that is not complete."""
    stages = reader.stages()
    subject = next((s.policy for s in reader.settings(TEST) if s.role == "chosen"), None)
    shuffled = () if subject is None or isinstance(policy(subject), Fixed) else (SHUFFLED,)
    needed, begun = (FORCED[DEV], DEV, FORCED[TEST], TEST, *shuffled) if observed(reader.environments()) else (DEV, TEST), list(stages)
    for stage in sorted(needed, key=lambda stage: begun.index(stage) if stage in begun else len(begun)):
        done = len(reader.done(stage)) if stage in stages else 0
        wanted = len(reader.examples(stages[stage])) if stage in stages else 1
        if done < wanted or (stage == TEST and not reader.looks()):
            raise StoreError(f"{reader.path}: this run is not complete (stage {stage}): the same edt compare goes on with it")


def _unseen(part: Scored) -> Scored:
    """Without what an engine that shows texts alone cannot record: columns of NaN are left out of every table."""
    values = {name: np.full_like(column, np.nan) if name in OBSERVATIONS else column for name, column in part.scores.values.items()}
    signatures = {name: told for name, told in part.scores.signatures.items() if name not in OBSERVATIONS}
    return replace(part, scores=replace(part.scores, values=values, signatures=signatures))


def _signatures(dev: Scored, test: Scored, eda: Eda, *, forced: bool) -> dict[str, str]:
    """What each number is, word for word."""
    interval = f"interval:{'asymptotic confidence sequence' if test.sequential else 'bootstrap, expanded percentile'}, 95%"
    drawn = "resampled:prompts, 10000, seed 0"
    told = {
        **test.scores.signatures,
        "eda": f"{eda.signature}|Q:{test.primary}|R from:{_aimed_at(dev)}",
        "effect": f"effect|vertical distance to the fixed temperatures' curve|x:{DIVERSITY}|{interval}|{drawn}|p:two-sided"
        "|family:Holm over methods x qualities|detectable:80% power at 5% over the family",
        "paired": f"paired|mean over prompts of a difference|{interval}|p:{'as the interval' if test.sequential else 'sign flips, 9999'}",
    }
    if forced:
        told["forced"] = (
            "forced|first reference and its end|entropy of softmax(logits / T), before truncation"
            "|nll of 0.99 of it and 0.01 of softmax(logits)|nats a token"
        )
    return told


def _aimed_at(dev: Scored) -> str:
    """Where EDA's target comes from; see ``aim``."""
    greedy, quality = dev.having("greedy"), dev.scores.values[dev.primary].mean(axis=0)
    scored = quality[greedy[0]] if greedy else quality.max()
    source = "greedy" if greedy else "the best setting"
    return f"{source} on dev" if scored > 0 else f"the most there can be, because {source} scored 0 on dev"


def _notes(recipe: Recipe, parts: Sequence[Scored]) -> list[str]:
    """Facts of this run that a reader must know, a line each."""
    budgets = {method.name: sum(getattr(p, "temperature", 1) > 0 for p in method.read()) for method in recipe.methods}
    notes: list[str] = []
    if len(set(budgets.values())) > 1:
        notes.append(
            f"unequal budgets: {', '.join(f'{name} {n}' for name, n in budgets.items())} settings; more tries find better ones by chance"
        )
    if parts[-1].sequential:
        notes.append(
            "effects and differences hold at every look; the intervals of single settings, of the curve and of teacher-forcing do not"
        )
        if parts[-1].scores.prompts < FIRST_LOOK:
            notes.append(f"intervals that hold at every look are too narrow below {FIRST_LOOK} test prompts")
    for part in parts:
        if np.ptp(quality := part.scores.values[part.primary]) == 0:
            told = f"every setting scored {quality.flat[0]:g} {label(part.primary)} on every prompt of {part.stages[0]}"
            notes.append(f"{told}: no setting can be told from another")
        for name, values in part.scores.values.items():
            if name not in OBSERVATIONS and (missing := int(np.isnan(values).sum())):
                notes.append(f"{name}: undefined for {missing} of {values.size} prompts x settings of {part.stages[0]}, left out")
    return notes
