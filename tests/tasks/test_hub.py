"""Sets read from the hub, end to end: a stand-in for it on this machine answers what huggingface_hub asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hub_copies import write_ms_marco, write_quac, write_wmt19, write_xlsum
from hub_stand_in import Hub, hub_on_this_machine

from edt_sampling.tasks import load_task

READ = """
import json, os, sys
from edt_sampling.tasks import load_task
for spec, split, offline in json.load(sys.stdin):
    os.environ["HF_DATASETS_OFFLINE"] = str(int(offline))
    task = load_task(spec, split=split)
    try:
        print(json.dumps([[e.id for e in task.examples(3)], task.fingerprint, task.facts()["read from"], task.notice]))
    except (OSError, ValueError) as error:
        print(json.dumps(f"{type(error).__name__}: {error}"))
"""
NOBODY = "http://127.0.0.1:9"
CONVERTED = "refs%2Fconvert%2Fparquet"
SPLITS = {"xlsum": "test", "quac": "dev", "ms_marco": "dev", "wmt19": "train"}
FILES = {
    "xlsum": "csebuetnlp/xlsum: english/test/0000.parquet",
    "quac": "allenai/quac: plain_text/validation/0000.parquet",
    "ms_marco": "microsoft/ms_marco: v1.1/validation-00000-of-00001.parquet",
    "wmt19": "wmt/wmt19: zh-en/train-00000-of-00001.parquet",
}


def contents(folder: Path, *, as_on_main: bool) -> dict[str, bytes]:
    """The files of a copy by path, under the names that the hub gives them on main or on the converted branch."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.parquet")}
    return {name.replace("/0000.", "-00000-of-00001.") if as_on_main else name: content for name, content in files.items()}


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copies")
    for name, write in (("xlsum", write_xlsum), ("quac", write_quac), ("ms_marco", write_ms_marco), ("wmt19", write_wmt19)):
        write(folder / name)
    write_xlsum(folder / "xlsum", language="french", train=5)
    return folder


@pytest.fixture(scope="module")
def hub(copies: Path) -> Iterator[Hub]:
    """As on the hub: two sets are scripts on main, with parquet files on the converted branch, and two are parquet files on main."""
    script = {"README.md": b"# A set\n", "script.py": b"raise SystemExit('nobody runs this')\n"}
    scripts = {"csebuetnlp/xlsum": "xlsum", "allenai/quac": "quac"}
    parquet = {"microsoft/ms_marco": "ms_marco", "wmt/wmt19": "wmt19"}
    sets = {
        **{r: {"main": script, "refs/convert/parquet": contents(copies / f, as_on_main=False)} for r, f in scripts.items()},
        **{r: {"main": {"README.md": b"#", **contents(copies / f, as_on_main=True)}} for r, f in parquet.items()},
    }
    with hub_on_this_machine(sets) as found:
        yield found


def read(hub: Hub, home: Path, *steps: tuple[str, str] | tuple[str, str, bool], **environment: str) -> list[Any]:
    """What a process of its own reads (the hub's address and cache are read at import): one result or error for each step."""
    hub.asked.clear()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    env = {**inherited, "PYTHONPATH": ":".join(sys.path), "HF_ENDPOINT": hub.url, "HF_HOME": str(home), **environment}
    given = json.dumps([(*step, False)[:3] for step in steps])
    done = subprocess.run([sys.executable, "-c", READ], input=given, capture_output=True, text=True, env=env, timeout=100)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def fetched(hub: Hub) -> list[str]:
    """The files that were downloaded, as ``set: path``."""
    paths = [line.removeprefix("GET /datasets/").split("/") for line in hub.asked if line.startswith("GET /datasets/")]
    return [f"{owner}/{name}: {'/'.join(path)}" for owner, name, _, _, *path in paths]


@pytest.fixture(scope="module")
def home(hub: Hub, copies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of someone who has read these four, once each."""
    folder = tmp_path_factory.mktemp("home")
    found = read(hub, folder, *SPLITS.items())
    assert fetched(hub) == list(FILES.values()), "the split's files, and no others"
    assert f"GET /api/datasets/csebuetnlp/xlsum/revision/{CONVERTED}" in hub.asked
    for (task, split), (ids, fingerprint, place, notice) in zip(SPLITS.items(), found, strict=True):
        local = load_task(f"{task}:from={copies / task}", split=split)
        repo = FILES[task].partition(":")[0]
        revision = "refs/convert/parquet" if task in ("xlsum", "quac") else "main"
        assert (ids, fingerprint) == ([e.id for e in local.examples(3)], local.fingerprint)
        assert place.startswith(f"{repo} at commit {hub.commit(repo, revision)}, ")
        assert (repo in notice, local.notice) == (True, None)
    return folder


def test_a_set_is_read_where_its_parquet_files_are(hub: Hub, home: Path) -> None:
    """``home`` has held it against local copies; once more, nothing is fetched, and offline nobody is asked."""
    commit = hub.commit("csebuetnlp/xlsum", "refs/convert/parquet")
    pinned = f"xlsum:revision={commit}"
    first, again, exact = read(hub, home, ("xlsum", "test", True), ("xlsum", "test"), (pinned, "test"))
    assert first == again == exact
    assert fetched(hub) == []
    asked = [line for line in hub.asked if "xlsum" in line]
    assert asked == [f"GET /api/datasets/csebuetnlp/xlsum/revision/{CONVERTED}"]


def test_what_the_hub_does_not_have_is_told(hub: Hub, home: Path) -> None:
    steps = [("xlsum:revision=main", "test"), ("xlsum:revision=nowhere", "test"), ("xlsum:language=thai", "test")]
    main, nowhere, thai = read(hub, home, *steps)
    assert main == (
        "ValueError: xlsum: csebuetnlp/xlsum at main has no english/test/*.parquet or english/test-*.parquet or english/test/data-*.arrow; "
        "a set that is a loading script has them at refs/convert/parquet"
    )
    assert nowhere.startswith("OSError: xlsum: csebuetnlp/xlsum at nowhere cannot be had from the hub, nor from its cache on this machine")
    assert "RevisionNotFoundError: 404" in nowhere
    assert thai.startswith("ValueError: xlsum: csebuetnlp/xlsum at refs/convert/parquet has no thai/test/*.parquet")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [({"HF_ENDPOINT": NOBODY}, "ConnectError: [Errno"), ({"HF_HUB_OFFLINE": "1"}, "OfflineModeIsEnabled: ")],
)
def test_without_a_network_the_cache_is_read_or_one_line_says_what_to_do(
    hub: Hub, home: Path, copies: Path, environment: dict[str, str], reason: str
) -> None:
    cached, offline, missing = read(hub, home, ("wmt19", "train"), ("quac", "train", True), ("quac", "train"), **environment)
    assert hub.asked == []
    assert cached[1] == load_task(f"wmt19:from={copies / 'wmt19'}", split="train").fingerprint
    for told, why in ((offline, "this process is offline"), (missing, reason)):
        assert told.startswith(
            f"OSError: quac: allenai/quac at refs/convert/parquet cannot be had from the hub, nor from its cache on this machine ({why}"
        )
        assert told.endswith("; give a local copy with quac:from=FOLDER, where plain_text/train/0000.parquet lies")
        assert "\n" not in told
