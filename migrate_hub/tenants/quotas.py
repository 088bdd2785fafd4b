"""How much a tenant may have: what the operators allow it, or what the installation allows everybody."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from migrate_hub.errors import DomainError
from migrate_hub.tenants.models import Tenant

MAX_MACHINES_A_PROJECT = 1_000_000
MAX_PROJECTS = 1000
MAX_MEMBERS = 1000
MAX_TOKENS = 1000


@dataclass(frozen=True)
class Quotas:
    """The limits of one tenant; `own` names those that the operators set for it."""

    stored_bytes: int
    running_jobs: int
    machines_a_project: int
    projects: int
    members: int
    tokens: int
    own: frozenset[str] = frozenset()


def default_quotas() -> Quotas:
    """What holds where the operators said nothing of a tenant."""
    return Quotas(
        stored_bytes=settings.STORED_BYTES_PER_TENANT,
        running_jobs=settings.RUNNING_JOBS_PER_TENANT,
        machines_a_project=MAX_MACHINES_A_PROJECT,
        projects=MAX_PROJECTS,
        members=MAX_MEMBERS,
        tokens=MAX_TOKENS,
    )


NAMES = ("stored_bytes", "running_jobs", "machines_a_project", "projects", "members", "tokens")
COLUMNS = tuple(f"max_{name}" for name in NAMES)


def quotas_of(tenant_id: int) -> Quotas:
    """The limits of a tenant, in one query."""
    row = Tenant.objects.values(*COLUMNS).get(id=tenant_id)
    own = {name: row[f"max_{name}"] for name in NAMES if row[f"max_{name}"] is not None}
    return Quotas(**{**{name: getattr(default_quotas(), name) for name in NAMES}, **own}, own=frozenset(own))


def count_alone(what: str, tenant_id: int) -> None:
    """Until the transaction ends, nobody else counts this of the tenant: two at once would both find room for one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"quota:{what}:{tenant_id}"])


def limit_reached(detail: str) -> DomainError:
    return DomainError(code="limit_reached", status=409, detail=detail)


def refuse_over(count: int, limit: int, detail: str) -> None:
    """Raises 409 limit_reached when there is no room for one more; `{limit}` in the sentence stands for the limit."""
    if count >= limit:
        raise limit_reached(detail.format(limit=limit))
