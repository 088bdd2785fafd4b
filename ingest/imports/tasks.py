"""The tasks of an import, one call each; and what is forgotten every hour."""

from celery.signals import worker_ready
from django.utils import timezone

from ingest.imports.confinement import hide_this_process
from ingest.imports.forgetting import forget_old_imports
from ingest.imports.queueing import IMPORT_TASK, UNDO_TASK
from ingest.imports.running import fail_import, run_import
from ingest.imports.undoing import fail_undo, undo_import
from migrate_hub.jobs.each_tenant import each_tenant
from migrate_hub.jobs.handlers import register
from migrate_hub.jobs.tasks import every_hour

# A failed import has no file any more, and one whose undoing failed is what it was before.
register(IMPORT_TASK, run=run_import, on_failed=fail_import, ends_for_good=True)
register(UNDO_TASK, run=undo_import, on_failed=fail_undo, ends_for_good=True)


@worker_ready.connect
def hide_the_main_process(**kwargs: object) -> None:
    """It has the same environment as its workers, and no child of theirs shall read it there."""
    hide_this_process()


@every_hour
def forget_imports() -> None:
    each_tenant(lambda tenant: forget_old_imports(tenant.id, timezone.now()))
