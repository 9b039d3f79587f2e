"""docs/engines/llama-cpp.md, its Python run to the letter."""

import multiprocessing
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "engines" / "llama-cpp.md"


def test_the_pages_python_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(multiprocessing, "cpu_count", lambda: 1)  # by which llama-cpp-python chooses its threads
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    names = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    said = capsys.readouterr().out
    assert len(blocks) == 5
    assert "['edt']" in said
    assert len(names["llama"].steps.entropy) == 8
    assert len(names["processor"].steps.entropy) == 8
    assert len(names["completions"]) == 8
