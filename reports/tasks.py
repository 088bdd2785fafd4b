"""The task of a report, one call."""

from migrate_hub.jobs.handlers import register
from reports.making import fail_report, make_report
from reports.queueing import REPORT_TASK

register(REPORT_TASK, run=make_report, on_failed=fail_report)
