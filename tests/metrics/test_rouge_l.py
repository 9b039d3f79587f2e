"""ROUGE-L against hand-worked values, an own longest common subsequence, and rouge_score."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from edt_sampling.metrics.rouge_l import RougeL

SCORER = RougeScorer(["rougeL"])
SCORER_WITH_STEMS = RougeScorer(["rougeL"], use_stemmer=True)
words = st.lists(st.sampled_from(["the", "cat", "cats", "sat", "on", "2"]), max_size=7)


def longest(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """Longest common subsequence by its definition, in no way like rouge_score's table."""

    @cache
    def best(i: int, j: int) -> int:
        if i == len(a) or j == len(b):
            return 0
        return max(best(i + 1, j), best(i, j + 1), (a[i] == b[j]) * (1 + best(i + 1, j + 1)))

    return best(0, 0)


def test_hand_worked() -> None:
    # "police kill the gunman" against "police killed the gunman": lcs 3 of 4 and 4 words.
    # "the gunman kill police": lcs "the gunman", 2 of 4 and 4 (Lin 2004, section 3.1).
    reference = ["police killed the gunman"]
    outputs = ["Police kill the gunman!", "the gunman kill police", "police", "nobody"]
    assert RougeL().scores(outputs, [reference] * 4) == pytest.approx([3 / 4, 2 / 4, 2 * 1 * (1 / 4) / (1 + 1 / 4), 0])


@given(words, words.filter(bool))
def test_is_the_f1_of_the_longest_common_subsequence(output: list[str], reference: list[str]) -> None:
    common = longest(tuple(output), tuple(reference))
    expected = 2 * common / (len(output) + len(reference))  # F1 with P and R put in
    assert RougeL().scores([" ".join(output)], [[" ".join(reference)]])[0] == pytest.approx(expected)


@given(st.lists(st.tuples(words, st.lists(words.filter(bool), min_size=1, max_size=3)), max_size=4), st.booleans())
def test_is_the_best_of_rouge_score_over_references(texts: list[tuple[list[str], list[list[str]]]], stem: bool) -> None:
    outputs = [" ".join(output) for output, _ in texts]
    references = [[" ".join(reference) for reference in several] for _, several in texts]
    scorer = RougeScorer(["rougeL"], use_stemmer=stem)
    expected = [max(scorer.score(r, output)["rougeL"].fmeasure for r in rs) for output, rs in zip(outputs, references, strict=True)]
    scores = RougeL(stem=stem).scores(outputs, references)
    assert scores.dtype == np.float64
    assert scores.shape == (len(texts),)
    assert scores.tolist() == expected


@given(st.lists(st.text("aZ9_ \n!.é\u212a\u0130\u00df天", max_size=8), min_size=1, max_size=4), st.booleans())
def test_equals_rouge_score_on_any_characters_to_the_last_bit(outputs: list[str], stem: bool) -> None:
    references = [["Ran 9 runs", "a z"], ["caresses 9 z a"], ["A"], ["9 9"]][: len(outputs)]
    scorer = RougeScorer(["rougeL"], use_stemmer=stem)
    expected = [float(scorer.score_multi(texts, output)["rougeL"].fmeasure) for output, texts in zip(outputs, references, strict=True)]
    assert RougeL(stem=stem).scores(outputs, references).tolist() == expected


def test_stems_are_rouge_scores() -> None:
    text = "Caresses ponies relational conditional flying was the generalizations 1990s sky; agreed, hopping falling"
    own = SCORER_WITH_STEMS._tokenizer.tokenize(text)
    assert RougeL(stem=True)._words(text) == own != RougeL()._words(text)


def test_stemming_joins_forms_of_a_word() -> None:
    assert RougeL().scores(["running"], [["runs"]]).tolist() == [0]
    assert RougeL(stem=True).scores(["running"], [["runs"]]).tolist() == [1]


@pytest.mark.parametrize("reference", ["今天天气很好", "Привет", "!?"])
def test_a_reference_that_rouge_score_cannot_read_is_refused(reference: str) -> None:
    with pytest.raises(ValueError, match=r"references\[1\]\[1\] must hold a word of a-z or 0-9, got .*BLEU"):
        RougeL().scores(["a", reference], [["a"], ["a", reference]])


@given(st.text("aZ9_ \n!\u00e9\u5929\u212a\u0130", max_size=3))  # the last two, Kelvin and dotted I, are k and i in lower case
def test_a_reference_is_refused_exactly_where_rouge_score_sees_no_word(reference: str) -> None:
    readable = SCORER.score(reference, reference)["rougeL"].fmeasure == 1
    if readable:
        assert RougeL().scores([reference], [[reference]]).tolist() == [1]
    else:
        with pytest.raises(ValueError, match="must hold"):
            RougeL().scores([reference], [[reference]])


def test_unicode_words_by_hand() -> None:
    """今天很好 is a subsequence of 今天天气很好: 4 of 4 and 6 characters. "âté" and "été" are both "t" to rouge_score."""
    any_script = RougeL(tokenizer="unicode")
    chinese = any_script.scores(["今天很好", "今天，天气很好！", "天", "x"], [["今天天气很好。"]] * 4)
    assert chinese == pytest.approx([2 * 4 / (4 + 6), 1, 2 * 1 / (1 + 6), 0])
    assert any_script.scores(["L'âté est fini"], [["l'été EST fini"]]) == pytest.approx([3 / 4])
    assert RougeL().scores(["L'âté est fini"], [["l'été EST fini"]]) == pytest.approx([1])
    assert any_script.scores(["सभी मनुष्य"], [["सभी मनुष्यों को", "सभी"]]) == pytest.approx([2 / 3])
    assert any_script.scores(["คน"], [["คนไทย"]]) == pytest.approx([2 * 2 / (2 + 5)])


@given(words, words.filter(bool))
def test_on_ascii_both_tokenizers_agree(output: list[str], reference: list[str]) -> None:
    texts = [f"{'-'.join(output)}!"], [[", ".join(reference)]]
    assert RougeL(tokenizer="unicode").scores(*texts).tolist() == RougeL().scores(*texts).tolist()


@pytest.mark.parametrize("reference", ["!?", "©", "\u0301", "___"])
def test_a_reference_without_a_letter_is_refused_in_any_script(reference: str) -> None:
    with pytest.raises(ValueError, match=r"references\[0\]\[1\] must hold a letter or a digit, got "):
        RougeL(tokenizer="unicode").scores(["a"], [["天", reference]])


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match="tokenizer must be 'ascii' or 'unicode', got 'zh'"):
        RougeL(tokenizer="zh")
    with pytest.raises(ValueError, match="stem must be false with tokenizer 'unicode'"):
        RougeL(stem=True, tokenizer="unicode")
    with pytest.raises(ValueError, match="threads must be 1 or more, or None for one a core, got 0"):
        RougeL(threads=0)


def test_signature() -> None:
    assert RougeL(tokenizer="unicode").signature.startswith("rougeL|f1|stem:no|tok:unicode-regex20")
    assert RougeL().signature.startswith("rougeL|f1|stem:no|refs:max|version:rouge_score-0.")
    assert "|stem:yes|" in RougeL(stem=True).signature
