"""The inventory as a table: the columns that a person chose, their cells, and the links that sort by them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.html import format_html

from ingest.machine_columns import COLUMNS
from ingest.models import DiscoveredBy, Machine
from ingest.sorting import SORTED_BY, SORTS
from migrate_hub.portal.figures import ABSENT, memory, number, storage
from migrate_hub.portal.machine_filters import query_without
from migrate_hub.portal.templatetags.portal import instant
from migrate_hub.portal.wording import counted

MEMBER_COLUMNS = ("operating_system", "power_state", "cores", "memory_mb", "storage_gb")
LABELS = {
    "name": "Machine",
    "operating_system": "Operating system",
    "power_state": "Power",
    "cores": "Cores",
    "memory_mb": "Memory",
    "disk_count": "Disks",
    "storage_gb": "Storage",
    "host": "Host",
    "cluster": "Cluster",
    "last_seen_at": "Last seen",
    "first_seen_at": "First seen",
    "path": "Path",
    "boot_type": "Boots with",
    "cpu_model": "Processor",
    "appliance": "Listed by",
    "discovered_by": "Known from",
    "duplicate_of": "Seen twice",
    "removed_at": "Removed",
    "source_id": "Id at the source",
    "id": "Id",
}
AMOUNTS = ("cores", "memory_mb", "storage_gb")
NUMBERS = (*AMOUNTS, "disk_count")
INSTANTS = ("last_seen_at", "first_seen_at", "removed_at")
LOOKS = {
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(INSTANTS, "tight"),
    **dict.fromkeys(("host", "cluster", "path", "cpu_model", "appliance"), "wrap small"),
    **dict.fromkeys(("source_id", "id"), "wrap small mono"),
    "operating_system": "wrap wide",
}


@dataclass(frozen=True)
class Heading:
    """The head of a column; `link` sorts by it, `direction` is what aria-sort says, '' where it is not sorted."""

    label: str
    look: str
    link: str = ""
    direction: str = ""


@dataclass(frozen=True)
class Cell:
    """One cell: its column's label, how it looks, and what it says."""

    label: str
    look: str
    text: str


def headings_of(columns: Iterable[str], parameters: QueryDict, sort: str) -> list[Heading]:
    """The heads of the name and these columns; a second click on one turns the order."""
    return [_heading(name, parameters, sort) for name in ("name", *columns)]


def _heading(name: str, parameters: QueryDict, sort: str) -> Heading:
    look = "number" if name in NUMBERS else ""
    if name not in SORTED_BY:
        return Heading(LABELS[name], look)
    direction = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
    first, turned = (f"-{name}", name) if name in AMOUNTS else (name, f"-{name}")
    link = query_without(parameters, sort=turned if sort == first else first)
    return Heading(LABELS[name], look, link, direction)


def sort_choices() -> list[tuple[str, str]]:
    """Every order in words, for a list to choose from."""
    return [(sort, _order_in_words(sort)) for sort in SORTS]


def _order_in_words(sort: str) -> str:
    name = sort.removeprefix("-")
    is_turned = sort != name
    if name in AMOUNTS:
        return f"{LABELS[name]}, {'largest' if is_turned else 'smallest'} first"
    if name == "last_seen_at":
        return f"{LABELS[name]}, {'latest' if is_turned else 'longest ago'} first"
    return f"{LABELS[name]}, {'Z to A' if is_turned else 'A to Z'}"


def rows_of(machines: Iterable[Machine], columns: Sequence[str]) -> list[tuple[Machine, list[Cell]]]:
    """Each machine with its cells, the name's left out."""
    drawn: list[tuple[str, str, Callable[[Machine, Sequence[str]], str]]] = [
        (LABELS[name], LOOKS.get(name, ""), CELLS.get(name) or _plain(name)) for name in columns
    ]
    return [
        (machine, [Cell(label, look, draw(machine, columns)) for label, look, draw in drawn]) for machine in machines
    ]


def _plain(name: str) -> Callable[[Machine, Sequence[str]], str]:
    return lambda machine, columns: str(getattr(machine, name) or ABSENT)


def _instant(name: str) -> Callable[[Machine, Sequence[str]], str]:
    return lambda machine, columns: instant(getattr(machine, name))


def _power(machine: Machine, columns: Sequence[str]) -> str:
    if machine.power_state == "unknown":
        return ABSENT
    look = "badge good" if machine.power_state == "on" else "badge"
    return format_html('<span class="{}">{}</span>', look, machine.power_state)


def _storage(machine: Machine, columns: Sequence[str]) -> str:
    if not machine.disk_count or "disk_count" in columns:
        return storage(machine.storage_gb)
    return format_html(
        '<span class="small faint">{} ·</span> {}', counted(machine.disk_count, "disk"), storage(machine.storage_gb)
    )


def _host(machine: Machine, columns: Sequence[str]) -> str:
    if not machine.cluster or "cluster" in columns:
        return machine.host or ABSENT
    return format_html('{}<br><span class="faint">{}</span>', machine.host or ABSENT, machine.cluster)


def _boot_type(machine: Machine, columns: Sequence[str]) -> str:
    return ABSENT if machine.boot_type == "unknown" else machine.boot_type.upper()


def _appliance(machine: Machine, columns: Sequence[str]) -> str:
    return machine.appliance.name if machine.appliance else ABSENT


def _source(machine: Machine, columns: Sequence[str]) -> str:
    return "a file" if machine.discovered_by == DiscoveredBy.IMPORT else "an appliance"


def _duplicate(machine: Machine, columns: Sequence[str]) -> str:
    return "yes" if machine.duplicate_of_id else "no"


CELLS: dict[str, Callable[[Machine, Sequence[str]], str]] = {
    **{name: _instant(name) for name in INSTANTS},
    "power_state": _power,
    "cores": lambda machine, columns: number(machine.cores),
    "memory_mb": lambda machine, columns: memory(machine.memory_mb),
    "disk_count": lambda machine, columns: number(machine.disk_count),
    "storage_gb": _storage,
    "host": _host,
    "boot_type": _boot_type,
    "appliance": _appliance,
    "discovered_by": _source,
    "duplicate_of": _duplicate,
}


def column_choices(chosen: Sequence[str]) -> list[dict[str, Any]]:
    """Every column beside the name, and whether it was chosen."""
    return [{"name": name, "label": LABELS[name], "is_chosen": name in chosen} for name in COLUMNS if name != "name"]
