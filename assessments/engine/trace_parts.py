"""Pieces that the traces of machines and of disks share."""

from assessments.engine.fixed_point import to_decimal
from assessments.engine.issues import Issue
from assessments.engine.readiness import outcome
from assessments.engine.target import Target
from assessments.engine.trace import IssueTrace, ObservedTrace
from assessments.engine.values import Observed


def issue_traces(issues: tuple[Issue, ...], target: Target) -> tuple[IssueTrace, ...]:
    """Issues with their outcome under the rule set."""
    return tuple(
        IssueTrace(
            issue.code, issue.azure_name, issue.message, issue.remedy, issue.source, outcome(issue, target.rules)
        )
        for issue in issues
    )


def observed_trace(metric: str, observed: Observed, *, row: int, expected: int) -> ObservedTrace:
    """One series of a machine, disk or NIC."""
    value = to_decimal(observed.values[row]) if observed.known[row] else None
    return ObservedTrace(metric, value, int(observed.points[row]), expected)


def counted(number: int, what: str) -> str:
    """1 disk, 2 disks."""
    return f"{number} {what}{'' if number == 1 else 's'}"
