"""A task on a data set of the hub: its rows in a random order that stays, each made an example or left out by a rule."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from edt_sampling.tasks.example import Example
from edt_sampling.tasks.hub import DataSet, SplitFiles
from edt_sampling.tasks.selection import order
from edt_sampling.tasks.splits import held_out_split_of
from edt_sampling.tasks.task import Task
from edt_sampling.tasks.template import LeftOut, Template

if TYPE_CHECKING:
    from edt_sampling.tasks.rows import Rows

IntArray = npt.NDArray[np.int32]

CENSUS = 50_000
"""Units that ``facts`` looks at, at most."""
_MARGIN = 1.2  # read a few more units than examples are asked for: some are left out


class Unit(NamedTuple):
    """What one example is made of: a row's columns, its number, and which item of the row, where it makes several examples."""

    row: Mapping[str, Any]
    number: int
    item: int


class HubTask(Task):
    """One split of a data set. Nothing is fetched or read before it is asked for.

    Units stand in an order by hash, so that every
    prefix is a random sample; as many rows are read as the examples asked for take. A unit whose id or prompt has been before it
    is left out as a duplicate.
    """

    columns: ClassVar[tuple[str, ...]]
    """Those that are read, the one with the id first."""
    template: ClassVar[Template]
    rules: ClassVar[int] = 1
    """Raised by one whenever the same rows come to other examples though the template is the same."""
    own_test: ClassVar[bool]
    """Whether the set has a test split with references; if not, its validation split is cut into dev (1/3) and test (2/3)."""

    def __init__(self, data: DataSet, split: str, parameters: Mapping[str, str | int | None]) -> None:
        self.data, self.split = data, split
        self._parameters = {name: value for name, value in parameters.items() if value is not None}
        self.name = _spec(data.task, self._parameters)
        if data.folder is None:
            self.notice = f"{data.repo} ({data.config}): the first use fetches the split's files from the Hugging Face hub"
        self._kept: list[Example] = []
        self._left_out: Counter[str] = Counter()
        self._seen: set[str] = set()
        self._looked_at = 0

    @property
    def fingerprint(self) -> str:
        """Of the files' contents, the split, the parameters, the template and the rules."""
        content = [self.data.task, self.files.digest, self.split, self._parameters, self.template.text, self.rules]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def files(self) -> SplitFiles:
        """The files that this split is read from."""
        return self.data.files(self.source)

    def read(self, limit: int | None) -> Sequence[Example]:
        while self._looked_at < len(self._units) and (limit is None or len(self._kept) < limit):
            missing = len(self._units) if limit is None else limit - len(self._kept)
            self._advance(min(max(int(missing * _MARGIN) + 16, self._looked_at), CENSUS))  # doubling: each pass may touch every piece
        return self._kept[:limit]

    def facts(self) -> Mapping[str, str]:
        """Where it is read from, its sizes, and what was left out by which rule, among the first ``CENSUS`` units."""
        while self._looked_at < min(len(self._units), CENSUS):
            self._advance(CENSUS - self._looked_at)
        share = "all" if self._looked_at == len(self._units) else f"the first {self._looked_at:,}"
        left = "; ".join(f"{rule}: {number:,}" for rule, number in sorted(self._left_out.items()))
        return {
            "read from": f"{self.files.place}, {self.data.config}, split {self.source} ({len(self._rows):,} rows)",
            "units": f"{len(self._units):,} fall to {self.split}; {share} were looked at: {len(self._kept):,} examples",
            "left out": left or "nothing",
        }

    def units(self, rows: Rows) -> IntArray:
        """Row number and number within the row of each unit of this split, in order, ``[units, 2]``; here: a row is a unit."""
        ids = [str(id) for id in rows.column(self.columns[0])]
        return self.ordered(ids, [(number, 0) for number in range(len(ids))], ids)

    @abstractmethod
    def unit_example(self, unit: Unit) -> Example | LeftOut:
        """The example that a unit makes, or why it makes none."""

    def ordered(self, ids: Sequence[str], places: Sequence[tuple[int, int]], groups: Sequence[str]) -> IntArray:
        """The units of this split, in the order of their ids' hashes; where validation is cut, a group falls to one side whole."""
        whole = self.own_test or self.split == "train"
        found = [
            (order(id), place)
            for id, place, group in zip(ids, places, groups, strict=True)
            if whole or held_out_split_of(group) == self.split
        ]
        return np.array([place for _, place in sorted(found)], dtype=np.int32).reshape(-1, 2)

    @property
    def source(self) -> str:
        """The set's own split that this one is read from."""
        return {"train": "train", "dev": "validation", "test": "test" if self.own_test else "validation"}[self.split]

    @cached_property
    def _rows(self) -> Rows:
        try:
            from edt_sampling.tasks.rows import Rows
        except ModuleNotFoundError as error:
            raise ImportError(f"task {self.data.task} needs {error.name}: pip install 'edt-sampling[tasks]'") from None
        return Rows(self.files.files, self.columns)

    @cached_property
    def _units(self) -> IntArray:
        return self.units(self._rows)

    def _advance(self, count: int) -> None:
        units = self._units[self._looked_at : self._looked_at + count]
        rows = self._rows.take(units[:, 0])
        for number, item in units.tolist():
            made = self._new(self.unit_example(Unit(rows[number], number, item)))
            if isinstance(made, LeftOut):
                self._left_out[made] += 1
            else:
                self._kept.append(made)
        self._looked_at += len(units)

    def _new(self, made: Example | LeftOut) -> Example | LeftOut:
        if isinstance(made, LeftOut):
            return made
        keys = {f"id {made.id}", hashlib.sha256(made.prompt.encode()).hexdigest()}
        if keys & self._seen:
            return LeftOut("its id or its prompt has been before")
        self._seen |= keys
        return made


def _spec(name: str, parameters: Mapping[str, str | int]) -> str:
    given = ",".join(f"{key}={value}" for key, value in parameters.items())
    return f"{name}:{given}" if given else name
