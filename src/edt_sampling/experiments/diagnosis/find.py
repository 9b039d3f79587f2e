"""From a complete run to its findings: everything is computed again from the store."""

from __future__ import annotations

from typing import Any

import numpy as np

from edt_sampling.experiments.diagnosis.acting import acting, distribution
from edt_sampling.experiments.diagnosis.calibration import curve, reliability
from edt_sampling.experiments.diagnosis.estimates import share
from edt_sampling.experiments.diagnosis.failures import failures
from edt_sampling.experiments.diagnosis.findings import DiagnosisFindings
from edt_sampling.experiments.diagnosis.growth import Growth, growth
from edt_sampling.experiments.diagnosis.outcomes import text_outcomes, token_outcomes, tokens_of, with_holm
from edt_sampling.experiments.diagnosis.people import human, human_outcomes
from edt_sampling.experiments.diagnosis.policies import policies, scores
from edt_sampling.experiments.diagnosis.recipe import DiagnosisRecipe
from edt_sampling.experiments.diagnosis.stages import SAMPLES, check_complete
from edt_sampling.experiments.diagnosis.texts import ReadTexts, read_texts
from edt_sampling.experiments.diagnosis.verdict import headline, sentences
from edt_sampling.experiments.measures import DIVERSITY, measures, qualities
from edt_sampling.experiments.stage import DEV
from edt_sampling.store import Reader, UnitMemory


def find_diagnosis(reader: Reader, *, run_code: bool = False) -> DiagnosisFindings:
    """The findings of a complete run, by its recipe's metrics; with ``run_code`` they may run programs of the model.

    Raises:
        StoreError: the run is no diagnosis, or a stage of it is not complete.
        ValueError: a metric must run programs, and may not.
    """
    check_complete(reader)
    recipe = DiagnosisRecipe.model_validate(reader.recipe())
    chosen = measures(recipe.metrics, samples=recipe.samples, run_code=run_code, threads=recipe.threads)
    primary, diversity = qualities(chosen)[0], next(m for m in chosen if m.name == DIVERSITY)
    texts, examples = read_texts(reader), reader.examples(DEV)
    values, right, owner = tokens_of(texts.references)
    confidence = np.concatenate([text.confidence for text in texts.references])
    quality = scores(reader, examples, primary)
    specs = [setting.policy for setting in reader.settings(SAMPLES)]
    outcomes = with_holm([*token_outcomes(texts), *text_outcomes(texts, specs, quality, primary.name), *human_outcomes(reader, texts)])
    calibrated, acts = reliability(confidence, values[:, 0], right, owner), acting(reader, texts)
    decoded, entropies, people = policies(reader, texts, quality, diversity), distribution("references", values[:, 0]), human(reader)
    failed = failures(decoded, acts, calibrated, entropies, _growth(reader))
    at_all = share(right, np.ones(len(right)), owner, len(examples))
    assert at_all is not None  # every reference has a token
    return DiagnosisFindings(
        headline=headline(outcomes[0]),
        sentences=tuple(sentences(outcomes, calibrated, acts, failed, people)),
        model=recipe.model,
        task=recipe.task,
        content=reader.content(),
        primary=primary.name,
        prompts=len(examples),
        samples=recipe.samples,
        steps=len(right),
        right=at_all,
        entropies=entropies,
        measures=texts.measures,
        outcomes=outcomes,
        reliability=calibrated,
        curves=tuple(curve(name, values[:, i], right, owner) for i, name in enumerate(texts.measures)),
        policies=tuple(decoded),
        acting=tuple(acts),
        failures=tuple(failed),
        human=people,
        signatures=_signatures(primary, diversity),
        environments=tuple(reader.environments()),
        recipe=recipe.model_dump(mode="json"),
        notes=tuple(_notes(texts)),
    )


def _growth(reader: Reader) -> Growth | None:
    """Of the stage that decodes."""
    held: list[UnitMemory] = [one for one in reader.memory() if one.stage == SAMPLES]
    tokens: dict[tuple[str, int], float] = {}
    for generation in reader.generations(SAMPLES):
        key = (SAMPLES, generation.unit)
        tokens[key] = tokens.get(key, 0.0) + generation.tokens
    return growth(held, tokens, {unit: float(len(example.prompt)) for unit, example in enumerate(reader.examples(DEV))})


def _signatures(primary: Any, diversity: Any) -> dict[str, str]:
    """What each number is, word for word."""
    drawn = "interval:bootstrap over prompts, expanded percentile, 95%|resampled:prompts, 10000, seed 0"
    return {
        "right token": "right token|first reference and its end|the model's best token is the reference's|untempered, before filters",
        "AUROC": f"AUROC|less of the measure is surer|ties half|{drawn}",
        "Spearman": f"Spearman|less of the measure is surer|midranks, anew in each resample|{drawn}",
        "difference": "difference|to entropy, paired|p:bootstrap, two-sided|family:Holm over all measures x outcomes of this page",
        "ECE": "ECE|confidence:max p|15 bins of equal width",
        **{metric.name: metric.signature for metric in (primary, diversity)},
    }


def _notes(texts: ReadTexts) -> list[str]:
    """Facts that a reader must know, a line each."""
    notes = ["dev prompts: what is chosen by these numbers must be judged on other prompts"]
    if len(texts.references) < 30:
        notes.append(f"{len(texts.references)} prompts: intervals of so few are rough")
    return notes
