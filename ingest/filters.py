"""Filters of the machine list. Higher apps add theirs to MACHINE_FILTERS: ingest does not know what a group is."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower

from ingest.models import Machine, PowerState
from migrate_hub.errors import DomainError

Machines = QuerySet[Machine]
# The last character there is: name >= prefix AND name < prefix + LAST reaches the index where LIKE does not.
LAST_CHARACTER = chr(0x10FFFF)
MAX_TEXT_CHARACTERS = 255


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
    "removed": by_removed,
    "duplicates": by_duplicates,
}


def filtered_machines(machines: Machines, query: Mapping[str, Any]) -> Machines:
    """The machines that fit the query of a URL; those that vanished only when asked for."""
    asked = {"removed": "false"} | {name: str(query[name]) for name in MACHINE_FILTERS if query.get(name)}
    for name, text in asked.items():
        machines = MACHINE_FILTERS[name](machines, possible_text(name, text))
    return machines
