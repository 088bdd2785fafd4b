"""How an appliance is: one word, the reason in words, and what to do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.timesince import timesince

from ingest.coverage import NEVER_TOUCHED
from ingest.limits import UPLOAD_EVERY_SECONDS
from ingest.models import Appliance, CoverageDay, Machine, RejectedRecord

HEALTHS = ("ok", "late", "silent", "failing", "never_registered")
# Heartbeats come every few minutes, points every hour; one upload may be missed.
SILENT_AFTER = timedelta(hours=3)
LATE_AFTER = timedelta(seconds=2 * UPLOAD_EVERY_SECONDS + 1800)
SKEW_TOLD = timedelta(minutes=5)
SKEW_REFUSED = timedelta(days=1)
REJECTED_WITHIN = timedelta(days=1)
WELL = frozenset({"", "ok", "healthy"})


@dataclass(frozen=True)
class Health:
    """One of HEALTHS, why, and what to do; the texts are empty where all is well."""

    state: str
    reason: str = ""
    remedy: str = ""


def with_health(appliances: "QuerySet[Appliance]", now: datetime) -> "QuerySet[Appliance]":
    """Adds what judging an appliance needs and what is listed of it: counts, and when points came last."""
    # Counted below the row: grouping by its id alone is not enough for a key of (tenant_id, id).
    machines = Machine.objects.filter(appliance=OuterRef("id"), removed_at=None).order_by().values("appliance")
    rejected = RejectedRecord.objects.filter(appliance=OuterRef("id"), last_rejected_at__gte=now - REJECTED_WITHIN)
    counted = rejected.order_by().values("appliance").annotate(count=Count("*")).values("count")
    touched = CoverageDay.objects.filter(appliance=OuterRef("id")).exclude(touched_at=NEVER_TOUCHED)
    return appliances.annotate(
        machine_count=Coalesce(Subquery(machines.annotate(count=Count("*")).values("count")), 0),
        duplicate_count=Coalesce(Subquery(machines.annotate(count=Count("duplicate_of_id")).values("count")), 0),
        rejected_last_day=Coalesce(Subquery(counted), 0),
        last_points_at=Subquery(touched.order_by("-touched_at").values("touched_at")[:1]),
    ).prefetch_related("held_snapshots")


def health_of(appliance: Appliance, now: datetime) -> Health:
    """Judges an appliance of with_health(): the worst first."""
    if appliance.registered_at is None:
        return Health(
            "never_registered",
            "It has not enrolled yet.",
            "Run the registration command where it stands. If its key was lost or has ended, make a new one.",
        )
    return _silent(appliance, now) or _failing(appliance) or _late(appliance, now) or Health("ok")


def _silent(appliance: Appliance, now: datetime) -> Health | None:
    if appliance.last_seen_at is not None and appliance.last_seen_at >= now - SILENT_AFTER:
        return None
    seen = f"Nothing was heard of it for {_since(appliance.last_seen_at, now)}."
    return Health(
        "silent",
        seen,
        "Check that it runs and reaches this address over HTTPS. If it was shut out or its token has ended, make a new "
        "registration key and enrol it again.",
    )


def _failing(appliance: Appliance) -> Health | None:
    if any(held.confirmed_at is None for held in appliance.held_snapshots.all()):
        return Health(
            "failing",
            "Its last inventory lists so few machines that it was set aside.",
            "Look at what it would remove, and confirm it or mend the appliance's access to its source.",
        )
    skew = appliance.clock_skew_seconds
    if skew is not None and abs(skew) > SKEW_REFUSED.total_seconds():
        return Health("failing", clock_warning(appliance) or "", "Set its clock by NTP: what it sends is refused.")
    if appliance.errors:
        count = len(appliance.errors)
        return Health(
            "failing",
            f"It reports {count} error{'s' if count > 1 else ''}: {_text(appliance.errors[0])}",
            "Mend what it names on the appliance; the errors go with its next heartbeat.",
        )
    if appliance.reported_health.lower() not in WELL:
        return Health(
            "failing", f"It says of itself: {appliance.reported_health}.", "Look at the log on the appliance."
        )
    return None


def _text(error: object) -> str:
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or error)
    return str(error)


def _late(appliance: Appliance, now: datetime) -> Health | None:
    registered = appliance.registered_at or now
    if not appliance.inventory_epoch:
        if registered >= now - LATE_AFTER:
            return None
        return Health(
            "late",
            f"It enrolled {_since(registered, now)} ago and has sent no inventory.",
            "Give it access to what it collects from: the credentials of its source are missing or refused.",
        )
    last: datetime | None = getattr(appliance, "last_points_at", None)
    if getattr(appliance, "machine_count", 0) == 0 or (last or registered) >= now - LATE_AFTER:
        return None
    reason = f"Its last points came {_since(last, now)} ago." if last else "It has sent no points of its machines."
    return Health(
        "late", reason, "Points are due every hour. Check that its source measures, and what it has had refused."
    )


def _since(instant: datetime | None, now: datetime) -> str:
    return timesince(instant, now, depth=1).replace("\xa0", " ") if instant else "ever"


def clock_warning(appliance: Appliance) -> str | None:
    """What to say of a clock that is more than five minutes off; None for one that is right."""
    skew = appliance.clock_skew_seconds
    if skew is None or abs(skew) <= SKEW_TOLD.total_seconds():
        return None
    minutes = round(abs(skew) / 60)
    return (
        f"Its clock is {minutes} minutes {'behind' if skew > 0 else 'ahead'}: its points stand in the wrong intervals. "
        "Set it by NTP."
    )
