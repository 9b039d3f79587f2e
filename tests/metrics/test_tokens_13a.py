"""The tokenizer 13a word by word, against sacrebleu's on whole texts."""

from hypothesis import example, given
from hypothesis import strategies as st
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from edt_sampling.metrics.tokens_13a import tokens_13a

WHOLE = Tokenizer13a()
PARTS = ["a", "7", ".", ",", "-", " ", "-\n", "\u00a0", "\x1c", "é", "(", "&", ";", "amp;", "&lt;", "<skipped>"]


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
@example("a-\nb a -\nb a-\n b a<skipped>b")
@example("1.5 1,a a,1 1. .1 1-2 a-2 1 -2 ..., .\t, -")
@example("<skip<skipped>ped> &amp;quot; 3.5-4, x. ,.")
def test_equals_sacrebleu_on_what_its_rules_look_at(text: str) -> None:
    assert tokens_13a(text) == WHOLE(text).split()


@given(st.text(max_size=30))
def test_equals_sacrebleu_on_any_text(text: str) -> None:
    assert tokens_13a(text) == WHOLE(text).split()


def test_by_hand() -> None:
    assert tokens_13a("It's 3.5, etc. (a) -- &quot;b&quot;") == ["It's", "3.5", ",", "etc", ".", "(", "a", ")", "--", '"', "b", '"']
