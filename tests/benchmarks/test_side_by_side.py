"""The timer, on a clock that only the contenders move."""

from collections import Counter
from itertools import pairwise, permutations

import pytest
from benchmarks.side_by_side import FEWEST, MOST, Clock, Contender, order, side_by_side


class Time:
    """Seconds that pass when they are told to; CPU seconds are twice as many."""

    def __init__(self):
        self.now = 0.0
        self.clock = Clock(lambda: self.now, lambda: 2 * self.now)

    def taking(self, *seconds, seen=None, name=""):
        """A call that takes the next of these seconds, the last one ever after."""
        left = list(seconds)

        def call(*given):
            if seen is not None:
                seen.append((name, *given))
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return call


@pytest.fixture
def time():
    return Time()


def test_the_first_rounds_do_not_count(time):
    found = side_by_side({"a": time.taking(9, 5, 1)}, clock=time.clock, seconds=4)
    assert found["a"].wall == [1, 1, 1]
    assert found["a"].cpu == [2, 2, 2]


def test_contenders_take_turns(time):
    seen = []
    side_by_side({name: time.taking(1, seen=seen, name=name) for name in "abc"}, rounds=4, clock=time.clock)
    played = "".join(name for (name,) in seen)
    assert [played[i : i + 3] for i in range(0, 12, 3)] == ["".join(order(list("abc"), turn)) for turn in range(4)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6])
def test_everyone_follows_everyone_else_equally_often(count):
    names = list("abcdef"[:count])
    rounds = [order(names, turn) for turn in range(2 * count)]
    assert all(sorted(one) == names for one in rounds)
    followed = Counter(pair for one in rounds for pair in pairwise(one))
    assert followed == dict.fromkeys(permutations(names, 2), 2)


def test_a_quick_call_is_repeated_until_its_turn_lasts(time):
    seen = []
    found = side_by_side({"slow": time.taking(0.5), "quick": time.taking(0.00015, seen=seen)}, seconds=1.6, clock=time.clock)
    assert len(found["quick"].wall) == FEWEST
    assert len(seen) == 2 + 7 * FEWEST
    assert found["quick"].wall == pytest.approx([0.00015] * FEWEST)


@pytest.mark.parametrize(("seconds", "rounds"), [(0.1, FEWEST), (8, 8), (1000, MOST)])
def test_as_many_rounds_as_fit(time, seconds, rounds):
    found = side_by_side({"a": time.taking(0.75), "b": time.taking(0.25)}, seconds=seconds, clock=time.clock)
    assert len(found["a"].wall) == len(found["b"].wall) == rounds


def test_rounds_that_are_asked_for_all_count(time):
    assert side_by_side({"a": time.taking(9, 0.00001)}, rounds=2, clock=time.clock)["a"].wall == pytest.approx([9, 0.00001])


def test_what_is_before_and_after_is_not_timed(time):
    seen = []
    after = time.taking(200, seen=seen, name="after")

    def before():
        time.now += 100
        return "given"

    call = time.taking(0.00001, seen=seen, name="call")
    found = side_by_side({"a": Contender(call, before=before, after=after)}, clock=time.clock)
    assert seen[:4] == [("call", "given"), ("after",), ("call", "given"), ("after",)]
    assert found["a"].wall == pytest.approx([0.00001] * MOST)
    assert len(seen) == 2 * (2 + MOST)


def test_the_real_clock_counts_the_processor_time_of_children():
    import subprocess
    import sys

    busy = "sum(range(3_000_000))"
    found = side_by_side({"child": lambda: subprocess.run([sys.executable, "-c", busy], check=True)}, rounds=1)
    assert found["child"].cpu[0] > 0.02
