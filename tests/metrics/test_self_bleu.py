"""Self-BLEU against plain sacrebleu, bit for bit, and against nltk; how it moves with K; what it says of empty outputs."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import sentence_bleu
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


def test_agrees_with_nltk_where_every_order_matches() -> None:
    group = ["the cat sat on the mat", "the cat sat on a red mat", "a cat sat on the mat today", "the cat sat on the mat"]
    split = [text.split() for text in group]
    expected = np.mean([sentence_bleu(split[:i] + split[i + 1 :], split[i]) for i in range(4)])
    assert SelfBleu(k=4, smoothing="none", tokenizer="none").scores([group])[0] == pytest.approx(expected)


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


def test_is_fast_enough_for_a_run() -> None:
    generator = np.random.default_rng(0)
    groups = [[" ".join(f"w{i}" for i in words) for words in prompt] for prompt in generator.integers(200, size=(250, 5, 15))]
    metric = SelfBleu()
    started = time.process_time()
    metric.scores(groups)
    assert time.process_time() - started < 1.0  # a tenth of a run of 2,500 prompts; takes about 0.2


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
