"""The documentation that the bundled model learns from: the manifests' packages and any further ones."""

from __future__ import annotations

from pathlib import Path

from edt_sampling.tasks.corpus import Corpus, harvest
from edt_sampling.tasks.harvest import package_folder
from edt_sampling.tasks.manifest import PACKAGES


def read_corpus(extra: Path | None) -> Corpus:
    """The documentation of the manifests' packages, as installed, and of every package folder in ``extra``."""
    folders = {name: folder for name in PACKAGES if (folder := package_folder(name))}
    if extra is not None:
        folders |= {f.name: f for f in sorted(extra.iterdir()) if (f / "__init__.py").is_file() and f.name not in folders}
    return Corpus.of(harvest(folders))
