"""The orders of the machine list. Each ends with the id, so that pages by keyset neither skip nor repeat a machine.

What is unknown comes before everything else, and last in the opposite direction: one index serves both.
"""

from migrate_hub.errors import DomainError
from migrate_hub.tenants.keyset import Order

# Not one for each property: these have an index, or are measured without one (ADR 0032).
SORTED_BY = {
    "name": "name_lower",
    "operating_system": "system_order",
    "power_state": "power_state",
    "cores": "cores_order",
    "memory_mb": "memory_order",
    "storage_gb": "storage_order",
    "host": "host_order",
    "cluster": "cluster_order",
    "last_seen_at": "last_seen_at",
}
SORTS = tuple(f"{sign}{name}" for name in SORTED_BY for sign in ("", "-"))


def machine_order(text: str) -> Order:
    """The order that `?sort=` names: a property, with a minus for the other direction. 400 for any other text."""
    name = text.removeprefix("-")
    if text not in SORTS:
        raise DomainError(
            code="invalid", detail=f"sort must be one of {', '.join(SORTED_BY)}, with a minus for the other direction."
        )
    sign = "-" if text != name else ""
    return (f"{sign}{SORTED_BY[name]}", f"{sign}id")
