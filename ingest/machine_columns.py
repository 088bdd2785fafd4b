"""The columns of the inventory: what a table can show of each machine, and the table as CSV."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ingest.csv_text import csv_response
from ingest.models import Machine
from migrate_hub.errors import DomainError
from migrate_hub.tenants.keyset import Order

# By name on the wire: where each stands in the model.
COLUMNS = {
    "name": "name",
    "operating_system": "operating_system",
    "power_state": "power_state",
    "cores": "cores",
    "memory_mb": "memory_mb",
    "disk_count": "disk_count",
    "storage_gb": "storage_gb",
    "host": "host",
    "cluster": "cluster",
    "last_seen_at": "last_seen_at",
    "first_seen_at": "first_seen_at",
    "path": "path",
    "boot_type": "boot_type",
    "cpu_model": "cpu_model",
    "appliance": "appliance__name",
    "discovered_by": "discovered_by",
    "duplicate_of": "duplicate_of_id",
    "removed_at": "removed_at",
    "source_id": "source_id",
    "id": "id",
}
ROWS_A_READ = 5000


def chosen_columns(text: str) -> tuple[str, ...]:
    """The columns that `?columns=` lists, separated by commas; all where it is empty. 400 for an unknown one."""
    names = tuple(dict.fromkeys(text.split(","))) if text else tuple(COLUMNS)
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        raise DomainError(code="invalid", detail=f"columns may name {', '.join(COLUMNS)}.")
    return names


def machines_csv(
    request: HttpRequest, machines: "QuerySet[Machine]", *, columns: Sequence[str], order: Order
) -> HttpResponseBase:
    """These machines as a file, with these columns: instants in UTC, sizes in the units that the headings name."""
    cells = machines.order_by(*order).values_list(*(COLUMNS[name] for name in columns))
    return csv_response(request, columns, cells.iterator(chunk_size=ROWS_A_READ), file_name="machines.csv")
