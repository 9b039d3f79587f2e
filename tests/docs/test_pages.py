"""What the pages point to exists: files, headings, commands and their options, spec strings, make targets."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import pytest
from click.testing import CliRunner
from markdown_pages import PAGES, ROOT, anchors, blocks, inline_code, links, shown

import edt_sampling as edt
from edt_sampling.cli.entry import edt as command_line
from edt_sampling.cli.group import COMMANDS
from edt_sampling.policies import POLICIES
from edt_sampling.sampling import Filters

OTHER_LANGUAGES = {"python", "toml", "json", "jsonl", "markdown", "bibtex", "yaml"}
"""Blocks of these are no command lines; every other block, and all inline code, is searched for them."""

each_page = pytest.mark.parametrize("page", PAGES, ids=shown)


@each_page
def test_relative_links_point_to_files_and_headings(page):
    for link in links(page):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{shown(page)}: {link} points to nothing"
        assert target.is_relative_to(ROOT), f"{shown(page)}: {link} leaves the project"
        assert not anchor or anchor in anchors(target), f"{shown(page)}: {link}: no such heading"


def command_lines(text: str) -> list[list[str]]:
    """The words behind each ``edt`` in command position; lines that end in a backslash go on."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||[|;<>]", re.sub(r"\s#\s.*", "", line)):
            words = part.split()
            while words and (words[0] == "$" or re.fullmatch(r"[A-Z_]+=\S*", words[0])):
                words = words[1:]
            if words and Path(words[0]).name == "edt":
                found.append(words[1:])
    return found


def quoted(page: Path) -> list[list[str]]:
    texts = [b.text for b in blocks(page) if b.language not in OTHER_LANGUAGES] + inline_code(page)
    return [words for text in texts for words in command_lines(text)]


def options(words: list[str]) -> set[str]:
    return {m[0] for word in words if (m := re.match(r"--?[a-z][a-z-]*", word))}


def known_options(command: list[str]) -> set[str]:
    """The options in ``edt COMMAND --help``."""
    result = CliRunner().invoke(command_line, [*command, "--help"])
    assert result.exit_code == 0, result.output
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", result.output))


@each_page
def test_commands_and_their_options_exist(page):
    for words in quoted(page):
        named = list(takewhile(lambda word: not word.startswith("-"), words))
        command = named[: 2 if named[:1] == ["export"] else 1]
        assert not command or command[0] in COMMANDS, f"{shown(page)}: edt {' '.join(words)}: no such command"
        unknown = options(words) - known_options(command)
        assert not unknown, f"{shown(page)}: edt {' '.join(words)}: no option {', '.join(sorted(unknown))}"


def test_command_lines_are_found_and_told_apart():
    text = (
        "$ edt compare --model X \\\n  --bad 1  # edt --no\n"
        "HF_HUB_OFFLINE=1 .venv/bin/edt generate 'a' | edt export texts --out -\n"
        "edt: warning\nimport x as edt\n"
    )
    found = command_lines(text)
    assert [words[:1] for words in found] == [["compare"], ["generate"], ["export"]]
    assert options(found[0]) == {"--model", "--bad"}
    assert {"--model", "--json"} <= known_options(["compare"])
    assert "--bad" not in known_options(["compare"])


def everything(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@each_page
def test_spec_strings_are_read(page):
    """Whatever looks like a built-in policy with parameters, or like filters around the temperature, is one."""
    names = "|".join(sorted(POLICIES.built_in, key=len, reverse=True))
    for spec in re.findall(rf"(?<![\w-])(?:{names}):[a-z0-9_]+=[\w.,=-]*\w", everything(page)):
        assert str(edt.policy(spec, t0=1)), spec
    for steps in re.findall(
        r"(?:(?:top_k|top_p|min_p)=[\d.]+,)*temperature,(?:top_k|top_p|min_p)=[\d.]*\d|(?:top_k|top_p|min_p)=[\d.]+,temperature",
        everything(page),
    ):
        assert str(Filters.parse(steps)) == steps


@each_page
def test_make_targets_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {
        m
        for text in [*inline_code(page), *(b.text for b in blocks(page))]
        for m in re.findall(r"(?:^|[;&$] *)make ([a-z-]+)", text, re.MULTILINE)
    }
    assert named <= targets


@each_page
def test_python_blocks_are_python(page):
    for block in blocks(page):
        if block.language == "python" and ">>>" not in block.text:
            compile(block.text, f"{shown(page)}:{block.line}", "exec")


@each_page
def test_no_path_of_anyones_machine(page):
    assert not re.findall(r"(?<![\w.])/(?:home|Users|root|work|tmp)/", everything(page))
