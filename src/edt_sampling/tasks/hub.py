"""The files of a data set: in a local copy, or fetched from the Hugging Face hub at one commit."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CONVERTED = "refs/convert/parquet"
"""The branch that the hub itself keeps for a set whose ``main`` is a loading script, which no library runs any more."""


PARAMETERS = {
    "from": "a folder with a copy of the set, as the hub has it, in place of the hub",
    "revision": "a branch or commit of the set; default: its present state",
}
"""What stands behind the name of every task on a set of the hub."""
SHOWN = 12


@dataclass(frozen=True)
class SplitFiles:
    """The files that hold one split, in order, and where they are: a folder, or a set at a commit."""

    files: Sequence[Path]
    place: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the files' contents, hexadecimal: a local copy and the hub's own files have the same."""
        total = hashlib.sha256()
        for file in self.files:
            with file.open("rb") as stream:
                total.update(hashlib.file_digest(stream, "sha256").digest())
        return total.hexdigest()


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One configuration of a set of the hub.

    Attributes:
        task: the task that reads it, for errors.
        repo: its name on the hub.
        config: the configuration, which is a folder of it.
        revision: the branch or commit that holds parquet files.
        folder: a local copy that is read in place of the hub.
    """

    task: str
    repo: str
    config: str
    revision: str
    folder: Path | None = None

    def files(self, split: str) -> SplitFiles:
        """The files of one of the set's own splits (train, validation, test).

        They lie as the hub has them, ``CONFIG/SPLIT/0000.parquet`` or ``CONFIG/SPLIT-00000-of-00001.parquet``, or as
        ``datasets.save_to_disk`` writes a set under ``CONFIG``. From the hub, this split's files alone are fetched, once.
        Raises ValueError where there are none, OSError where the hub cannot be reached and has not been before.
        """
        folder = self._local() if self.folder is not None else self._fetched(split)
        files = sorted(file for pattern in self._patterns(split) for file in folder.glob(pattern))
        if not files:
            raise ValueError(self._nothing(split, folder))
        return SplitFiles(files, str(folder) if self.folder is not None else f"{self.repo} at commit {folder.name}")

    def _patterns(self, split: str) -> list[str]:
        return [f"{self.config}/{split}/*.parquet", f"{self.config}/{split}-*.parquet", f"{self.config}/{split}/data-*.arrow"]

    def _local(self) -> Path:
        folder = (self.folder or Path()).expanduser()
        if not folder.is_dir():
            raise ValueError(f"{self.task}: from must be a folder with a copy of {self.repo}, got {str(self.folder)!r}")
        return folder

    def _nothing(self, split: str, folder: Path) -> str:
        wanted = " or ".join(self._patterns(split))
        if self.folder is None:
            return f"{self.task}: {self.repo} at {self.revision} has no {wanted}; a set that is a loading script has them at {CONVERTED}"
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:SHOWN])
        return f"{self.task}: {folder} must hold {wanted}, as the hub has them; it holds {there or 'nothing'}"

    def _fetched(self, split: str) -> Path:
        """The snapshot's folder, whose name is the commit."""
        try:
            from huggingface_hub import snapshot_download
        except ModuleNotFoundError as error:
            raise ImportError(f"task {self.task} needs {error.name}: pip install 'edt-sampling[tasks]'") from None
        offline = os.environ.get("HF_DATASETS_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}  # huggingface_hub reads HF_HUB_OFFLINE
        patterns = self._patterns(split)
        try:
            return Path(
                snapshot_download(self.repo, repo_type="dataset", revision=self.revision, allow_patterns=patterns, local_files_only=offline)
            )
        except Exception as error:  # the hub's, the network library's, the file system's: all of them say that there are no files
            raise OSError(self._unreachable(split, "this process is offline" if offline else _told(error))) from error

    def _unreachable(self, split: str, reason: str) -> str:
        return (
            f"{self.task}: {self.repo} at {self.revision} cannot be had from the hub, nor from its cache on this machine ({reason}); "
            f"give a local copy with {self.task}:from=FOLDER, where {self.config}/{split}/0000.parquet lies"
        )


def _told(error: BaseException) -> str:
    """The error on one line; that of the network, where the hub's library only says that its cache does not help either."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    cause = (error.__cause__ or error) if isinstance(error, LocalEntryNotFoundError) else error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())[:200]}"


def data_set(task: str, repo: str, config: str, standard: str, *, folder: str | None, revision: str | None) -> DataSet:
    """A configuration of a set at its ``standard`` revision, at the one asked for, or in a local folder."""
    if folder is not None and revision is not None:
        raise ValueError(f"{task}: revision is the hub's, and from is a copy on this machine: give one of them")
    return DataSet(task=task, repo=repo, config=config, revision=revision or standard, folder=Path(folder) if folder else None)
