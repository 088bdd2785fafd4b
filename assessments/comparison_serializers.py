"""Shapes of comparisons and of lists of runs on the wire."""

from typing import Any

from rest_framework import serializers

from assessments.comparison import CAUSES, ORDERS
from assessments.engine.issues import READINESS
from assessments.models import RunStatus
from assessments.serializers import FailureOut, ProgressOut, ReadinessCounts
from assessments.settings import SettingsIn, choices
from migrate_hub.tenants.api import StrictSerializer


class RunTotals(serializers.Serializer[Any]):
    compute = serializers.CharField()
    storage = serializers.CharField()
    total = serializers.CharField()


class RepeatIn(StrictSerializer):
    settings = SettingsIn(
        required=False,
        help_text="Instead of the run's own; sizing_criterion, performance_window and percentile stay as they were.",
    )


class RunRow(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=RunStatus.choices)
    published = serializers.BooleanField(help_text="Whether this is the run that readers of the assessment see.")
    progress = ProgressOut()
    repeats = serializers.UUIDField(required=False, help_text="The run whose inputs this one took.")
    settings = SettingsIn()
    catalog = serializers.UUIDField()
    prices_as_of = serializers.DateField()
    region = serializers.CharField()
    performance_start_at = serializers.DateTimeField()
    performance_end_at = serializers.DateTimeField()
    machine_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    created_by = serializers.UUIDField(allow_null=True, help_text="Who asked for it, where that is known.")
    finished_at = serializers.DateTimeField(required=False)
    failure = FailureOut(required=False)
    readiness = ReadinessCounts(required=False)
    currency = serializers.CharField()
    monthly_cost = RunTotals(required=False, help_text="In the headline scenario; absent until the run completed.")


class CompareQuery(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        """`with` is a word of Python."""
        return {
            "with": serializers.UUIDField(required=False, help_text="Another assessment; default: the same one."),
            "run": serializers.UUIDField(
                required=False, help_text="A run of the assessment in the URL; default: its published one."
            ),
            "with_run": serializers.UUIDField(
                required=False, help_text="A run of the other assessment; default: its published one."
            ),
            "order": serializers.ChoiceField(
                choices=choices(*ORDERS),
                default=ORDERS[0],
                help_text="The largest change first, or dearest, or cheapest.",
            ),
            "cause": serializers.ChoiceField(
                choices=choices(*CAUSES), required=False, help_text="Only machines that this cause moved."
            ),
            "cursor": serializers.CharField(required=False),
            "page_size": serializers.IntegerField(required=False, min_value=1, max_value=1000),
        }


class ComparedRun(serializers.Serializer[Any]):
    assessment = serializers.UUIDField()
    name = serializers.CharField()
    run = serializers.UUIDField()
    number = serializers.IntegerField()
    machines = serializers.IntegerField()
    monthly_cost = serializers.CharField(help_text="Compute and storage in the headline scenario.")
    readiness = ReadinessCounts()


class Causes(serializers.Serializer[Any]):
    """Parts of a difference; they add up to it exactly."""

    membership = serializers.CharField(help_text="Machines that are in only one of the runs.")
    inventory = serializers.CharField()
    performance = serializers.CharField()
    settings = serializers.CharField()
    price = serializers.CharField()


class ComparedCounts(serializers.Serializer[Any]):
    in_both = serializers.IntegerField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed_cost = serializers.IntegerField(help_text="Of those in both.")
    changed_size = serializers.IntegerField(help_text="Of those in both.")
    changed_readiness = serializers.IntegerField(help_text="Of those in both.")


class WithoutCost(serializers.Serializer[Any]):
    """Machines of both runs that lack a compute or storage cost in only one; contained in the totals."""

    machines = serializers.IntegerField()
    difference = serializers.CharField()
    causes = Causes()


class NoteOut(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class ComparedSide(serializers.Serializer[Any]):
    readiness = serializers.ChoiceField(choices=choices(*READINESS))
    recommended_sku = serializers.CharField(required=False)
    monthly_compute_cost = serializers.CharField(required=False)
    monthly_storage_cost = serializers.CharField(required=False)


class ComparedMachine(serializers.Serializer[Any]):
    machine = serializers.UUIDField()
    name = serializers.CharField()
    before = ComparedSide(required=False, help_text="Absent where the machine is not in the run.")
    after = ComparedSide(required=False)
    difference = serializers.CharField()
    causes = Causes()
    without_cost_in_one = serializers.BooleanField()


class ComparisonOut(serializers.Serializer[Any]):
    """From the run of the assessment in the URL (before) to the other one (after)."""

    before = ComparedRun()
    after = ComparedRun()
    currency = serializers.CharField()
    difference = serializers.CharField(help_text="Monthly cost after minus before.")
    causes = Causes()
    machines = ComparedCounts()
    without_cost_in_one = WithoutCost()
    notes = NoteOut(many=True)
    results = ComparedMachine(many=True)
    next = serializers.URLField(allow_null=True)
