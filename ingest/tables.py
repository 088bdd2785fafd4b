"""How a person wants the inventory table. Only that person sees it, so the audit trail does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ingest.bulk import run, text_array
from ingest.machine_columns import COLUMNS
from ingest.models import InventoryTable
from migrate_hub.errors import DomainError, FieldProblem
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import uuid7

# No more: the ids of those that are ticked go into an address.
PAGE_SIZES = (25, 50, 100)
USUAL_COLUMNS = ("operating_system", "power_state", "cores", "memory_mb", "storage_gb", "host", "last_seen_at")
KEEP = """
INSERT INTO ingest_inventorytable (tenant_id, id, user_id, columns, page_size)
VALUES (%(tenant)s, %(id)s, %(user)s, %(columns)s::varchar[], %(page_size)s)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET columns = excluded.columns, page_size = excluded.page_size
"""


@dataclass(frozen=True)
class Table:
    """The columns beside the name, in their order, and how many rows a page has."""

    columns: tuple[str, ...] = USUAL_COLUMNS
    page_size: int = 50


def table_of(user_id: UUID) -> Table:
    """What this person chose, as far as it still exists; the usual table of somebody who never chose."""
    row = InventoryTable.objects.filter(user_id=user_id).first()
    if row is None:
        return Table()
    return Table(columns=tuple(name for name in row.columns if name in COLUMNS), page_size=row.page_size)


def keep_table(user_id: UUID, *, columns: Sequence[str], page_size: int) -> None:
    """Remembers a person's choice. 400 for a column or a page size that there is none of."""
    if page_size not in PAGE_SIZES:
        sizes = ", ".join(map(str, PAGE_SIZES))
        problem = FieldProblem("page_size", "invalid", f"A page has {sizes} rows.")
        raise DomainError(code="invalid", detail=problem.message, errors=[problem])
    if not set(columns) <= COLUMNS.keys():
        raise DomainError(code="invalid", detail=f"The columns are {', '.join(COLUMNS)}.")
    chosen = text_array(name for name in dict.fromkeys(columns) if name != "name")
    scope = {"tenant": current_tenant_id(), "id": uuid7(), "user": user_id}
    run(KEEP, scope | {"columns": chosen, "page_size": page_size})
