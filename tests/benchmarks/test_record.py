"""Records: times, ratios of rounds, JSON."""

import pytest
from benchmarks.record import read, spread
from made_up import case, draw, record


def test_a_median_and_its_quartiles():
    assert spread([5.0, 1.0, 3.0, 4.0, 2.0]) == (3, 2, 4)
    assert spread([7.0]) == (7, 7, 7)


def test_a_ratio_is_the_median_of_the_rounds_ratios():
    found = case({"a": [10, 40, 90], "b": [1, 2, 3]}).ratio("a", "b")  # the ratio of the medians would be 20 as well, of the means 23.3
    assert found == (20, 15, 25)
    assert case({"a": [10, 10, 90], "b": [1, 2, 1]}).ratio("a", "b").median == 10  # that of the medians: 10 / 1, of the last: 90


def test_rounds_are_paired():
    assert case({"a": [1, 100], "b": [1, 100]}).ratio("a", "b") == (1, 1, 1)


def test_no_ratio_when_the_machine_was_busy():
    assert case({"a": [1], "b": [1]}, others=1.3, threads=1, cores=2).ratio("a", "b") is None
    assert case({"a": [1], "b": [1]}, others=1.1, threads=1, cores=2).ratio("a", "b") == (1, 1, 1)


def test_cpu_seconds_are_kept_apart():
    assert case({"a": [1, 2, 3]}).seconds("a", "cpu").median == 4


def test_what_is_written_is_read(tmp_path):
    written = record("draw", draw(0.123456789, 0.001), draw(2, 1, others=0.25, facts={"n": 1}))
    path = written.write(tmp_path)
    found = read(path)
    assert path == tmp_path / "draw.json"
    assert [p.name for p in tmp_path.iterdir()] == ["draw.json"]
    assert found.cases[0].times["today"].wall == [0.12346] * 3
    assert found.cases[1] == written.cases[1]
    assert (found.machine, found.day, found.threads) == (written.machine, written.day, written.threads)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"cases": [{"times": {"a": 1}}]}'])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "draw.json").write_text(text)
    with pytest.raises(ValueError, match=r"draw\.json is no record of a benchmark"):
        read(tmp_path / "draw.json")
