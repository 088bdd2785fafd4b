"""Which machines of a project have history, kept for a minute: every machine has to be looked up to tell."""

from contextlib import suppress
from uuid import UUID

from django.core.cache import cache
from redis.exceptions import RedisError

from ingest.filters import Machines, by_history
from ingest.inventory_version import inventory_version
from ingest.models import Machine
from migrate_hub.errors import DomainError
from migrate_hub.tenants.models import Project

KEPT_SECONDS = 60


def with_known_history(machines: Machines, project: Project, text: str) -> Machines:
    """As `by_history` among machines of one project, from a list that is a minute old at most.

    An upload or an import that ends makes a new list at once. Only the smaller side is listed.
    """
    if text not in ("none", "some"):
        raise DomainError(code="invalid", detail="history must be none or some.")
    side, ids = _known(project)
    return machines.filter(id__in=ids) if side == text else machines.exclude(id__in=ids)


def _known(project: Project) -> tuple[str, list[UUID]]:
    """`none` or `some`, and the machines that have none, or some."""
    key = f"history:{project.tenant_id}:{inventory_version(project.id)}"
    with suppress(RedisError, OSError):
        kept: tuple[str, bytes] | None = cache.get(key)
        if kept is not None:
            return kept[0], [UUID(bytes=kept[1][start : start + 16]) for start in range(0, len(kept[1]), 16)]
    of_project = Machine.objects.filter(project=project)
    ids: list[UUID] = list(by_history(of_project, "none").values_list("id", flat=True))
    side = "none"
    if len(ids) > of_project.count() / 2:
        side, ids = "some", list(by_history(of_project, "some").values_list("id", flat=True))
    with suppress(RedisError, OSError):
        cache.set(key, (side, b"".join(machine_id.bytes for machine_id in ids)), KEPT_SECONDS)
    return side, ids
