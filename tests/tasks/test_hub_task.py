"""What all tasks on data sets keep: order, splits, prefixes, fingerprints, what is left out."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from datasets import load_dataset
from hub_copies import WMT19, XLSUM, write_ms_marco, write_quac, write_rows, write_wmt19, write_xlsum

from edt_sampling.tasks import load_task

WRITERS = {"xlsum": write_xlsum, "quac": write_quac, "ms_marco": write_ms_marco, "wmt19": write_wmt19}


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copies")
    for name, write in WRITERS.items():
        write(folder / name)
    return folder


def digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def article(id: str, text: str = "", summary: str = "A summary.") -> dict[str, str]:
    return {"id": id, "url": "u", "title": "t", "text": text or f"Article {id}.", "summary": summary}


@pytest.mark.parametrize("name", WRITERS)
def test_every_limit_takes_the_first_of_one_order(copies: Path, name: str) -> None:
    spec = f"{name}:from={copies / name}"
    every = load_task(spec, split="dev").examples()
    assert len(every) > 20
    for limit in (1, 7, 20, 10_000):
        assert load_task(spec, split="dev").examples(limit) == every[:limit]
    growing = load_task(spec, split="dev")
    assert [growing.examples(limit) for limit in (3, 1, 12, 5)] == [every[:3], every[:1], every[:12], every[:5]]


@pytest.mark.parametrize("name", WRITERS)
def test_the_evidence_stands_in_every_prompt_and_the_rest_makes_sense_without_it(copies: Path, name: str) -> None:
    for split in ("train", "dev", "test"):
        examples = load_task(f"{name}:from={copies / name}", split=split).examples()
        assert len({e.id for e in examples}) == len(examples)
        for example in examples:
            assert example.evidence in example.prompt
            left = example.prompt_without_evidence
            assert len(left) == len(example.prompt) - len(example.evidence)
            assert example.evidence not in left
            assert left.endswith(":")


@pytest.mark.parametrize("name", WRITERS)
def test_splits_share_nothing(copies: Path, name: str) -> None:
    ids, prompts = Counter(), Counter()
    for split in ("train", "dev", "test"):
        examples = load_task(f"{name}:from={copies / name}", split=split).examples()
        ids.update(e.id for e in examples)
        prompts.update({e.prompt for e in examples} if split != "train" else ())
    assert max(ids.values()) == 1
    assert max(prompts.values()) == 1


def test_the_order_is_that_of_the_ids_hashes_wherever_the_rows_stand(tmp_path: Path) -> None:
    names = [f"a{i}" for i in range(50)]
    write_rows(tmp_path / "1", "english", "test", [article(name) for name in names], XLSUM)
    write_rows(tmp_path / "2", "english", "test", [article(name) for name in names[::-1]], XLSUM, rows_a_group=7)
    found = [[e.id for e in load_task(f"xlsum:from={tmp_path / which}").examples()] for which in "12"]
    assert found[0] == found[1] == sorted(names, key=lambda name: digits(f"order {name}"))


def test_dev_is_the_sets_validation_where_it_has_a_test(copies: Path) -> None:
    ids = {split: {e.id for e in load_task(f"xlsum:from={copies / 'xlsum'}", split=split).examples()} for split in ("train", "dev", "test")}
    assert ids["dev"] == {f"validation-{i}" for i in range(40)}
    assert ids["test"] == {f"test-{i}" for i in range(80)}
    assert ids["train"] == {f"train-{i}" for i in range(200)}


def test_duplicates_are_left_out_and_counted_the_first_in_order_stays(tmp_path: Path) -> None:
    rows = [article("a"), article("b", text="Article a."), article("c", text=" Article a.\n"), article("a", text="Other."), article("d")]
    rows += [article("e", summary=" "), article("f", text=" \n"), article("g", summary="?!")]
    write_rows(tmp_path, "english", "test", rows, XLSUM)
    task = load_task(f"xlsum:from={tmp_path}")
    first = min("abc", key=lambda name: digits(f"order {name}"))
    found = [e.id for e in task.examples()]
    assert found.count(first) == 1
    assert "d" in found
    assert len({e.prompt for e in task.examples()}) == len(found)
    facts = task.facts()
    left = 8 - len(found)
    assert "8 fall to test; all were looked at" in facts["units"]
    assert "no reference holds a word: 2" in facts["left out"]
    assert "the source is empty: 1" in facts["left out"]
    assert f"its id or its prompt has been before: {left - 3}" in facts["left out"]
    assert 2 <= left - 3 <= 3


def test_a_fingerprint_follows_what_the_examples_are_made_of(copies: Path, tmp_path: Path) -> None:
    def of(spec: str, split: str = "dev") -> str:
        return load_task(spec, split=split).fingerprint

    whole = f"xlsum:from={copies / 'xlsum'}"
    write_xlsum(tmp_path / "again")
    write_xlsum(tmp_path / "other", validation=41)
    assert of(whole) == of(f"xlsum:from={tmp_path / 'again'}")
    others = [
        of(whole, "test"),
        of(f"{whole},max_characters=100"),
        of(f"{whole},max_characters=99"),
        of(f"xlsum:from={tmp_path / 'other'}"),
    ]
    assert len({of(whole), *others}) == 5
    assert all(len(digits) == 12 for digits in others)


def test_a_new_template_or_new_rules_change_the_fingerprint(copies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edt_sampling.tasks.wmt19 import Template, Wmt19

    def of() -> str:
        return load_task(f"wmt19:from={copies / 'wmt19'}").fingerprint

    found = [of()]
    monkeypatch.setattr(Wmt19, "rules", 99)
    found.append(of())
    monkeypatch.setattr(Wmt19, "template", Template("Other: {evidence}"))
    found.append(of())
    assert len(set(found)) == 3


@pytest.mark.parametrize("layout", ["{config}/{split}-00000-of-00001.parquet", "{config}/{split}/0000.parquet"])
def test_both_layouts_of_the_hub_are_read(tmp_path: Path, layout: str) -> None:
    for split in ("train", "validation"):
        path = write_rows(tmp_path / "raw", "zh-en", split, [{"translation": {"en": f"e{i}", "zh": f"中{i}"}} for i in range(9)], WMT19)
        target = tmp_path / "copy" / layout.format(config="zh-en", split=split)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    dev, test = (load_task(f"wmt19:from={tmp_path / 'copy'}", split=split).examples() for split in ("dev", "test"))
    assert len(dev) + len(test) == 9


def test_a_set_that_datasets_saved_to_disk_gives_the_same_examples(copies: Path, tmp_path: Path) -> None:
    files = {split: str(copies / "quac" / "plain_text" / split / "0000.parquet") for split in ("train", "validation")}
    load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache")).save_to_disk(tmp_path / "saved" / "plain_text")
    for split in ("train", "dev"):
        saved, copied = (load_task(f"quac:from={place}", split=split) for place in (tmp_path / "saved", copies / "quac"))
        assert saved.examples() == copied.examples()


def test_a_folder_that_holds_something_else_is_told(copies: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must hold french/test/\*\.parquet or .*, as the hub has them; it holds english"):
        load_task(f"xlsum:language=french,from={copies / 'xlsum'}").examples()
    with pytest.raises(ValueError, match=r"wmt19: from must be a folder with a copy of wmt/wmt19, got '.*nowhere'"):
        load_task(f"wmt19:from={tmp_path / 'nowhere'}").examples()
    write_rows(tmp_path, "english", "test", [{"translation": {"en": "e", "zh": "中"}}], WMT19)
    with pytest.raises(ValueError, match=r"0000\.parquet: holds no column id, text, summary; it holds translation"):
        load_task(f"xlsum:from={tmp_path}").examples()


def test_the_order_of_translations_is_that_of_splitmix64() -> None:
    """The first outputs of SplitMix64 seeded with 0 (its published test vector) sort the row numbers."""
    from edt_sampling.tasks.wmt19 import _scattered

    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC, 0x1B39896A51A8749B]
    assert _scattered(5).tolist() == [[i, 0] for i in np.argsort(np.array(known, dtype=np.uint64))]
    assert sorted(_scattered(1000)[:, 0].tolist()) == list(range(1000))


@pytest.mark.parametrize(("spec", "library"), [("xlsum:from={}/xlsum", "pyarrow"), ("xlsum", "huggingface_hub")])
def test_without_its_library_a_task_says_what_to_install(copies: Path, monkeypatch: pytest.MonkeyPatch, spec: str, library: str) -> None:
    monkeypatch.delitem(sys.modules, "edt_sampling.tasks.rows")
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"task xlsum needs {library}: pip install 'edt-sampling\[tasks\]'"):
        load_task(spec.format(copies)).examples()
