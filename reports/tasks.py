"""The task of a report, one call; and what is tidied up every hour."""

from datetime import timedelta

from django.utils import timezone

from migrate_hub.jobs.each_tenant import each_tenant
from migrate_hub.jobs.handlers import register
from migrate_hub.jobs.tasks import every_hour
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context
from reports.making import fail_report, make_report
from reports.models import Report
from reports.queueing import REPORT_TASK, make_again

REMEMBER = timedelta(days=30)
ROWS_AT_ONCE = 1000

register(REPORT_TASK, run=make_report, on_failed=fail_report, again=make_again)


@every_hour
def delete_old_reports() -> None:
    """Removes what is left of reports a month after they expired, one tenant at a time; files go when they expire."""
    each_tenant(_delete_old)


def _delete_old(tenant: Tenant) -> None:
    with tenant_context(tenant.id):
        old = Report.objects.filter(expires_at__lt=timezone.now() - REMEMBER).values_list("id", flat=True)
        Report.objects.filter(id__in=list(old[:ROWS_AT_ONCE])).delete()
