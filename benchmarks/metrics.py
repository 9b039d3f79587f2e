"""Metrics: Self-BLEU against nltk's; ROUGE-L, on one core and on several, against rouge_score's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from benchmarks.bench import Bench
from benchmarks.record import Case, Spread
from benchmarks.table import NO_RATIO, Table, busy_note, digits, timed, times
from benchmarks.texts import groups
from edt_sampling.metrics.rouge_l import RougeL
from edt_sampling.metrics.self_bleu import SelfBleu

TITLE = "metrics"
SAMPLES = 32
SEVERAL = "ours, several cores"


def measure(bench: Bench) -> Iterator[Case]:
    prompts, part = (100, 1) if bench.quick else (1000, 3)
    texts = groups(prompts, SAMPLES)
    calls = {"ours": lambda: SelfBleu(k=SAMPLES).scores(texts), "theirs": lambda: nltk_self_bleu(texts[:part])}
    yield _case(bench, "Self-BLEU, K = 32", prompts, part, calls, threads=1)
    outputs, references = _pairs(200 if bench.quick else 1650)
    part = len(outputs) // 50
    rouge: dict[str, Callable[[], Any]] = {
        "ours": lambda: RougeL(threads=1).scores(outputs, references),
        SEVERAL: lambda: RougeL(threads=bench.threads).scores(outputs, references),
        "theirs": lambda: rouge_l(outputs[:part], references[:part]),
    }
    yield _case(bench, "ROUGE-L", len(outputs), part, rouge, threads=bench.threads)


def _pairs(prompts: int) -> tuple[list[str], list[list[str]]]:
    """A prompt's first text is the reference of the others."""
    texts = groups(prompts, SAMPLES, seed=1)
    return [output for group in texts for output in group[1:]], [[group[0]] for group in texts for _ in group[1:]]


def _case(bench: Bench, what: str, count: int, part: int, calls: Mapping[str, Callable[[], Any]], *, threads: int) -> Case:
    """``theirs`` runs on a part of the prompts or outputs."""
    calls["ours"]()
    return bench.case({"what": what, "count": count, "part": part}, calls, threads=threads, rounds=3)


def nltk_self_bleu(texts: Sequence[Sequence[str]]) -> list[float]:
    """The mean sentence BLEU of each text against the rest of its group, words as ours takes them."""
    tokenizer, smooth = Tokenizer13a(), SmoothingFunction().method3
    words = [[tokenizer(text).split() for text in group] for group in texts]
    return [
        sum(float(sentence_bleu(group[:i] + group[i + 1 :], text, smoothing_function=smooth)) for i, text in enumerate(group)) / len(group)  # pyright: ignore[reportArgumentType]
        for group in words
    ]


def rouge_l(outputs: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """rouge_score's own F1."""
    scorer = RougeScorer(["rougeL"])
    return [scorer.score_multi(texts, output)["rougeL"].fmeasure for output, texts in zip(outputs, references, strict=True)]


def ratio(case: Case, ours: str = "ours") -> Spread | None:
    """Their seconds to ours for equally much; None where the machine was busy."""
    found = case.ratio("theirs", ours)
    return Spread(*(_scale(case) * r for r in found)) if found else None


def _scale(case: Case) -> float:
    return case.labels["count"] / case.labels["part"]


def tables(cases: Sequence[Case]) -> list[Table]:
    several = f"on {max(case.threads for case in cases)} cores, s"
    columns = ("metric", "of", "ours, s", several, "nltk or rouge_score, s", "ratio on one core", "on several", "CPU: ours / theirs")
    return [Table(columns, tuple(_row(case) for case in cases), notes=busy_note(cases))]


def _row(case: Case) -> tuple[str, ...]:
    """Theirs as long as all of it would take."""
    what = "prompts" if case.labels["what"].startswith("Self-BLEU") else "outputs"
    dealt = SEVERAL in case.times
    cpu = case.seconds("ours", "cpu").median, _scale(case) * case.seconds("theirs", "cpu").median
    return (
        case.labels["what"],
        f"{case.labels['count']:,} {what}",
        timed(case.seconds("ours"), 1),
        timed(case.seconds(SEVERAL), 1) if dealt else NO_RATIO,
        f"{timed(case.seconds('theirs'), _scale(case))}, measured on {case.labels['part']:,}",
        times(ratio(case)),
        times(ratio(case, SEVERAL)) if dealt else NO_RATIO,
        " / ".join(map(digits, cpu)),
    )
