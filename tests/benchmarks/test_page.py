"""docs/performance.md: its markers, and that it is what its records draw."""

import re
from dataclasses import replace

import pytest
from benchmarks.page import BLOCK, PAGE, RECORDS, blocks, filled, kept_records, write_page
from benchmarks.parts import PARTS
from benchmarks.start_up import COMMANDS
from made_up import case, draw, record

START = case({name: [0.02, 0.03] for name in COMMANDS})
TEXT = "# P\n\n<!-- bench: draw -->\n\nold\n\n<!-- end -->\n\nprose\n\n<!-- bench: grid -->\n<!-- end -->\n"


def test_a_block_is_replaced_and_the_rest_stays():
    once = filled(TEXT, {"draw": "new"})
    assert once == TEXT.replace("old", "new")
    assert filled(once, {"draw": "new"}) == once
    assert "<!-- bench: grid -->\n\nnew\n\n<!-- end -->" in filled(TEXT, {"grid": "new"})


def test_a_block_without_a_marker_is_refused():
    with pytest.raises(ValueError, match="no marker for mlx: add"):
        filled(TEXT, {"mlx": "new", "draw": "new"})


def test_the_page_has_a_marker_for_each_part_and_for_what_is_drawn_from_several():
    named = [name for name, _ in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]
    assert sorted(named) == sorted({*PARTS, "summary", "shares", "targets"} - {"vllm"})  # vLLM's are on its own page


def test_the_page_is_what_its_records_draw():
    text, found = PAGE.read_text(encoding="utf-8"), blocks(kept_records(RECORDS))
    assert {"summary", "draw"} <= found.keys()
    for name, block in BLOCK.findall(text):
        assert name not in found or block.strip() == found[name], name


def test_writing_keeps_the_parts_that_were_not_measured_again(tmp_path):
    page = tmp_path / "performance.md"
    markers = "".join(f"<!-- bench: {name} -->\n<!-- end -->\n" for name in ("summary", "targets", "draw", "start-up"))
    page.write_text(markers)
    write_page([record("draw", draw(0.04, 0.001, rows=1), draw(0.32, 0.008))], page=page)
    first = page.read_text()
    assert "| 8 rows | 320 | 8.00 | 8.00 | **40.0** | **1.00** | **2.00** | - |" in first
    write_page([record("draw", draw(0.04, 0.001, rows=1), draw(0.16, 0.008))], page=page)
    assert "| 8 rows | 160 | 8.00 | 8.00 | **20.0** | **1.00** | **2.00** | - |" in page.read_text()
    assert re.search(
        r"8 rows: today 160 ms, Fixed 8\.00 ms, EDT 8\.00 ms, floor 4\.00 ms", (tmp_path / "performance" / "draw.svg").read_text()
    )
    assert not page.read_text().count("start-up -->\n\n")


def test_a_part_of_another_machine_names_it():
    here, there = (
        record("draw", draw(0.04, 0.001)),
        replace(record("start-up", START), machine={**record("draw").machine, "cpu": "Another one"}),
    )
    found = blocks([here, there])
    assert (
        "*A processor, 2 cores (avx2); Python 3.11.7, torch 2.13.0; 1 thread; other processes kept at most 0.00 cores" in found["summary"]
    )
    assert "A processor" not in found["draw"]
    assert "*Another one, 2 cores" in found["start-up"]


def test_shares_of_a_decode_step_and_none_from_a_busy_machine():
    """Two layers take 30 ms and four 50: sixteen take 30 + 14 x 10 = 170, of which a draw of 30 ms is 30 / 200 with it."""
    layers = {"2 layers": [0.03] * 3, "4 layers": [0.05] * 3}
    step = case(layers, facts={"parameters": 1e9}, model="1B", rows=8, words=128_256, layers=16)
    found = blocks([record("draw", draw(0.03, 0.00017)), record("decode", step)])
    assert "| 1B | 8 | 128,256 | none | 170 | 15% | 0.10% | 0.10% |" in found["shares"]
    assert "| 15% → 0.10% |" in found["summary"]
    busy = blocks([record("draw", draw(0.03, 0.00017)), record("decode", replace(step, others=1.5))])
    assert "| 1B | 8 | 128,256 | none | 170 | - | - | - |" in busy["shares"]
    assert "15%" not in busy["summary"]


def test_a_record_from_before_a_part_changed_is_told():
    with pytest.raises(ValueError, match=r"the record of start-up is of 2026-01-02 and lacks 'edt --help', which its table shows now"):
        blocks([record("start-up", case({"python -c pass": [0.02], "import edt_sampling": [0.05]}))])
