"""The tasks of an import, one call each."""

from ingest.imports.queueing import IMPORT_TASK, UNDO_TASK
from ingest.imports.running import fail_import, run_import
from ingest.imports.undoing import fail_undo, undo_import
from migrate_hub.jobs.handlers import register

register(IMPORT_TASK, run=run_import, on_failed=fail_import)
register(UNDO_TASK, run=undo_import, on_failed=fail_undo)
