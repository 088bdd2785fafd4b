"""Filters of the machine list. Higher apps add theirs to MACHINE_FILTERS: ingest does not know what a group is."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Lower, Now, TruncDate

from ingest.limits import MAX_AHEAD
from ingest.models import DailyStatistics, DiscoveredBy, Machine, PerformanceBlock, PowerState
from ingest.percentiles import WINDOWS
from migrate_hub.errors import DomainError

Machines = QuerySet[Machine]
# The last character there is: name >= prefix AND name < prefix + LAST reaches the index where LIKE does not.
LAST_CHARACTER = chr(0x10FFFF)
MAX_TEXT_CHARACTERS = 255
# Days older than this are folded, or somebody has been told that the background is late.
FOLDED_AFTER = timedelta(days=3)


def possible_text(name: str, text: str) -> str:
    """The text of a query parameter; 400 for one that no column can hold."""
    if "\0" in text or len(text) > MAX_TEXT_CHARACTERS:
        raise DomainError(code="invalid", detail=f"{name} is not a text that machines can have.")
    return text


def by_search(machines: Machines, text: str) -> Machines:
    """Machines whose name starts with a text, whatever the case."""
    return machines.filter(name_lower__gte=Lower(Value(text)), name_lower__lt=Lower(Value(text + LAST_CHARACTER)))


def by_operating_system(machines: Machines, text: str) -> Machines:
    return machines.filter(operating_system__icontains=text)


def by_power_state(machines: Machines, text: str) -> Machines:
    if text not in PowerState.values:
        raise DomainError(code="invalid", detail=f"power_state must be one of {', '.join(PowerState.values)}.")
    return machines.filter(power_state=text)


def by_cluster(machines: Machines, text: str) -> Machines:
    return machines.filter(cluster=text)


def by_host(machines: Machines, text: str) -> Machines:
    return machines.filter(host=text)


def by_appliance(machines: Machines, text: str) -> Machines:
    """Machines that this appliance lists; none where it is no appliance of the project."""
    try:
        return machines.filter(appliance_id=UUID(text))
    except ValueError:
        raise DomainError(code="invalid", detail="appliance must be the id of an appliance.") from None


def by_source(machines: Machines, text: str) -> Machines:
    """`discovered_by=import` lists what only a file speaks of."""
    if text not in DiscoveredBy.values:
        raise DomainError(code="invalid", detail=f"discovered_by must be one of {', '.join(DiscoveredBy.values)}.")
    return machines.filter(discovered_by=text)


def by_history(machines: Machines, text: str) -> Machines:
    """`history=none` lists machines without any point that an assessment could read, `some` the others.

    Scalar subqueries of one row: as EXISTS they would be planned as a join over the days of all machines.
    """
    if text not in ("none", "some"):
        raise DomainError(code="invalid", detail="history must be none or some.")
    days = DailyStatistics.objects.filter(machine_id=OuterRef("id"), day__gte=TruncDate(Now() - max(WINDOWS.values())))
    unfolded = (Now() - FOLDED_AFTER, Now() + MAX_AHEAD)
    blocks = PerformanceBlock.objects.filter(machine_id=OuterRef("id"), start_at__range=unfolded)
    machines = machines.alias(
        some_day=Subquery(days.values("day")[:1]), some_block=Subquery(blocks.values("start_at")[:1])
    )
    nothing = Q(some_day=None) & Q(some_block=None)
    return machines.filter(nothing if text == "none" else ~nothing)


def by_removed(machines: Machines, text: str) -> Machines:
    """`removed=true` lists the machines that vanished, `all` both; the default is what is there."""
    conditions = {"true": Q(removed_at__isnull=False), "false": Q(removed_at=None), "all": Q()}
    if text not in conditions:
        raise DomainError(code="invalid", detail="removed must be true, false or all.")
    return machines.filter(conditions[text])


def by_duplicates(machines: Machines, text: str) -> Machines:
    """`duplicates=only` lists what is seen by another appliance as well, `exclude` what counts; the default is both."""
    conditions = {"only": Q(duplicate_of__isnull=False), "exclude": Q(duplicate_of=None), "include": Q()}
    if text not in conditions:
        raise DomainError(code="invalid", detail="duplicates must be only, exclude or include.")
    return machines.filter(conditions[text])


def counted_machines(project_id: UUID) -> Machines:
    """The machines of a project that are there, each once: what groups, runs and counts are made of."""
    machines: Machines = Machine.objects.filter(project_id=project_id, removed_at=None, duplicate_of=None)
    return machines


MACHINE_FILTERS: dict[str, Callable[[Machines, str], Machines]] = {
    "search": by_search,
    "os": by_operating_system,
    "power_state": by_power_state,
    "cluster": by_cluster,
    "host": by_host,
    "appliance": by_appliance,
    "discovered_by": by_source,
    "history": by_history,
    "removed": by_removed,
    "duplicates": by_duplicates,
}


def filtered_machines(machines: Machines, query: Mapping[str, Any]) -> Machines:
    """The machines that fit the query of a URL; those that vanished only when asked for."""
    asked = {"removed": "false"} | {name: str(query[name]) for name in MACHINE_FILTERS if query.get(name)}
    for name, text in asked.items():
        machines = MACHINE_FILTERS[name](machines, possible_text(name, text))
    return machines
