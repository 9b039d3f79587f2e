"""Self-BLEU against plain sacrebleu, bit for bit, and against nltk; how it moves with K; what it says of empty outputs; its speed."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from sacrebleu.metrics.bleu import BLEU

from edt_sampling.metrics.self_bleu import SelfBleu

texts = st.lists(st.sampled_from(["the", "cat", "cat,", "sat", "on", "a", "3.5", "<skipped>", "cat-\n", "\n"]), max_size=9).map(" ".join)


def others(group: list[str], i: int) -> list[str]:
    return group[:i] + group[i + 1 :]


def plain(group: list[str], bleu: BLEU) -> float:
    """The definition, one sentence_score an output."""
    values = []
    for i, output in enumerate(group):
        if bleu.tokenizer(output.rstrip()):
            values.append(min(bleu.sentence_score(output, others(group, i)).score / 100, 1.0))
        else:
            values.append(float(any(not bleu.tokenizer(other.rstrip()) for other in others(group, i))))
    return sum(values) / len(group)


@given(
    groups=st.integers(2, 6).flatmap(lambda k: st.lists(st.lists(texts, min_size=k, max_size=k), min_size=1, max_size=3)),
    order=st.integers(1, 5),
    smoothing=st.sampled_from(["exp", "floor", "add-k", "none"]),
    tokenizer=st.sampled_from(["13a", "none", "char", "zh"]),
)
def test_equals_plain_sacrebleu_to_the_last_bit(groups: list[list[str]], order: int, smoothing: str, tokenizer: str) -> None:
    bleu = BLEU(effective_order=True, max_ngram_order=order, smooth_method=smoothing, tokenize=tokenizer)
    metric = SelfBleu(k=len(groups[0]), order=order, smoothing=smoothing, tokenizer=tokenizer)
    assert metric.scores(groups).tolist() == [plain(group, bleu) for group in groups]


NLTK = {"exp": SmoothingFunction().method3, "floor": SmoothingFunction().method1}
"""nltk's smoothings under sacrebleu's names. "none" differs where an order has no match (nltk's is 1e-308), and "add-k" for texts of fewer
than four words, to which sacrebleu adds the orders that they lack."""


def by_nltk(group: list[str], smoothing: str = "exp") -> float:
    """The definition in nltk's words, on the same tokens; of groups of which every text has a token."""
    split = [BLEU().tokenizer(text.rstrip()).split() for text in group]
    return float(
        np.mean(
            [sentence_bleu(others(split, i), text, smoothing_function=NLTK[smoothing], auto_reweigh=True) for i, text in enumerate(split)]
        )
    )


@given(
    group=st.integers(2, 6).flatmap(lambda k: st.lists(texts.map(lambda text: f"the {text}"), min_size=k, max_size=k)),
    smoothing=st.sampled_from(sorted(NLTK)),
)
def test_equals_nltk_on_texts_of_every_length(group: list[str], smoothing: str) -> None:
    assert abs(SelfBleu(k=len(group), smoothing=smoothing).scores([group])[0] - by_nltk(group, smoothing)) < 1e-9


def paraphrases(prompts: int, k: int) -> list[list[str]]:
    """Groups of outputs of 30 to 60 words: a sentence that goes its own way here and there, with Zipf's law for words."""
    generator = np.random.default_rng(0)
    words = [f"{word}{sign}" for word in (f"w{i}" for i in range(500)) for sign in ("", "", "", ",", ".", "-3", " &amp;")]
    chances = 1 / np.arange(1, len(words) + 1)
    found: list[list[str]] = []
    for _ in range(prompts):
        base = generator.choice(len(words), size=60, p=chances / chances.sum())
        other = generator.choice(len(words), size=(k, 60), p=chances / chances.sum())
        mixed = np.where(generator.random((k, 60)) < generator.uniform(0.05, 0.6), other, base)
        found.append([" ".join(words[i] for i in row[: generator.integers(30, 61)]) for row in mixed])
    return found


def test_equals_nltk_on_32_long_outputs_a_prompt() -> None:
    groups = paraphrases(3, 32)
    assert SelfBleu(k=32).scores(groups) == pytest.approx([by_nltk(group) for group in groups], abs=1e-9)


def test_groups_do_not_know_of_each_other() -> None:
    groups = paraphrases(150, 5)  # more texts than are worked on at once
    alone = [SelfBleu().scores([group])[0] for group in groups]
    assert SelfBleu().scores(groups).tolist() == alone


def test_hand_worked() -> None:
    # Each of the two against the other, order 2: 2 of 3 words, 1 of 2 pairs.
    assert SelfBleu(k=2, order=2).scores([["a b c", "a b d"]])[0] == pytest.approx((2 / 3 * 1 / 2) ** 0.5)
    assert SelfBleu(k=3).scores([["a b"] * 3, ["a b", "c d", "e f"]]).tolist() == [1, 0]


def test_empty_outputs_are_identical_to_each_other_and_to_nothing_else() -> None:
    groups = [["", ""], ["", " \n"], ["", "a"], ["<skipped>", ""]]
    assert SelfBleu(k=2).scores(groups).tolist() == [1, 1, 0, 1]
    assert SelfBleu(k=4).scores([["", "", "a b", "c d"]]).tolist() == [0.5]


def test_grows_with_k_on_one_fixed_distribution() -> None:
    generator = np.random.default_rng(0)
    vocabulary = np.array([f"w{i}" for i in range(40)])
    chances = 1 / np.arange(1, 41)
    draws = generator.choice(vocabulary, size=(100, 20, 10), p=chances / chances.sum())
    groups = [[" ".join(words) for words in prompt] for prompt in draws]
    means = [SelfBleu(k=k).scores([group[:k] for group in groups]).mean() for k in (2, 5, 10, 20)]
    assert all(fewer + 0.03 < more for fewer, more in pairwise(means))


@given(st.permutations(["a b c", "a b d", "", "a b c", "e"]))
def test_the_order_of_outputs_does_not_matter(group: list[str]) -> None:
    assert SelfBleu().scores([group])[0] == pytest.approx(SelfBleu().scores([["a b c", "a b d", "", "a b c", "e"]])[0])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"k": 1}, "k, the outputs of a prompt, must be 2 or more, got 1"),
        ({"order": 0}, "order must be 1 or more, got 0"),
        ({"smoothing": "laplace"}, "smoothing must be one of none, floor, add-k, exp, got 'laplace'"),
        ({"tokenizer": "14a"}, "tokenizer must be one of .*got '14a'"),
    ],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SelfBleu(**parameters)  # type: ignore[arg-type]


def test_groups_of_another_k_are_refused() -> None:
    with pytest.raises(ValueError, match="pass k=3"):
        SelfBleu().scores([["a"] * 3])


def test_signature_names_whatever_moves_the_value() -> None:
    start = "selfBLEU|k:5|order:4|case:mixed|eff:yes|tok:13a|smooth:exp|empty:1|version:sacrebleu-"
    assert SelfBleu().signature.startswith(start)
    variants = [SelfBleu(), SelfBleu(k=4), SelfBleu(order=3), SelfBleu(smoothing="floor"), SelfBleu(tokenizer="zh")]
    assert len({metric.signature for metric in variants}) == len(variants)


def test_chinese_needs_its_tokenizer() -> None:
    """Two sentences that differ in two of eleven characters: by the default tokenizer each is one word, and nothing repeats."""
    alike = [["今天天气很好我们去公园", "今天天气很好我们去学校"]]
    assert SelfBleu(2).scores(alike).tolist() == [0]
    assert SelfBleu(2, tokenizer="zh").scores(alike)[0] > 0.7
    assert "|tok:zh|" in SelfBleu(2, tokenizer="zh").signature
