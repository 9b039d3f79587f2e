"""The runs on disk: one folder a run, one SQLite file in it, this package its only writer and reader."""

from edt_sampling.store.database import StoreError
from edt_sampling.store.environment import differences, flat
from edt_sampling.store.export import export
from edt_sampling.store.identity import content_hash, run_folder
from edt_sampling.store.lock import StoreLockedError
from edt_sampling.store.reader import Reader
from edt_sampling.store.rows import REFERENCE, Generation, Look, Rating, StepKey, StoredExample, StoredSetting, TextKey, UnitMemory
from edt_sampling.store.traces import ForcedSteps
from edt_sampling.store.writer import Writer

__all__ = ["ForcedSteps", "Generation", "Look", "Reader", "StoreError", "StoreLockedError", "StoredExample", "StoredSetting", "Writer"]
__all__ += ["REFERENCE", "Rating", "StepKey", "TextKey", "UnitMemory", "content_hash", "differences", "export", "flat", "run_folder"]
