"""What a tenant uses of what it may have."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from ingest.models import Machine
from migrate_hub.files.storage import stored_bytes
from migrate_hub.jobs.models import Job, JobState
from migrate_hub.tenants.context import current_tenant_id
from migrate_hub.tenants.models import Membership, Project, Token, TokenKind
from migrate_hub.tenants.quotas import quotas_of


@dataclass(frozen=True)
class Use:
    """One limit, how much of it is used, and whether the operators set it for this tenant."""

    name: str
    used: int
    limit: int
    is_own: bool

    @property
    def share(self) -> float:
        """Of 1; over 1 where a limit was lowered below what is there."""
        return self.used / self.limit if self.limit else float(self.used > 0)


def usage() -> list[Use]:
    """Every limit that is counted for the current tenant, in a fixed number of queries."""
    quotas = quotas_of(current_tenant_id())
    used = {
        "stored_bytes": stored_bytes(),
        "running_jobs": _running_jobs(),
        "machines_a_project": _machines_of_the_largest_project(),
        "projects": Project.objects.filter(deleted_at=None).count(),
        "members": Membership.objects.filter(tenant_id=current_tenant_id()).count(),
        "tokens": _valid_tokens(),
    }
    return [Use(name, count, getattr(quotas, name), name in quotas.own) for name, count in used.items()]


def requests_a_minute() -> dict[str, int]:
    """What is not counted over time: the same for everybody."""
    return {"token": settings.REQUESTS_A_MINUTE_PER_TOKEN, "tenant": settings.REQUESTS_A_MINUTE_PER_TENANT}


# Jobs, memberships and tokens carry no row-level security, being read before a tenant is known: the filter is the lock.


def _running_jobs() -> int:
    now = timezone.now()
    return Job.objects.filter(tenant_id=current_tenant_id(), state=JobState.RUNNING, lease_until__gt=now).count()


def _valid_tokens() -> int:
    tokens = Token.objects.filter(tenant_id=current_tenant_id(), kind=TokenKind.ACCESS, revoked_at=None)
    return tokens.filter(expires_at__gt=timezone.now()).count()


def _machines_of_the_largest_project() -> int:
    """Every row counts, as the limit counts them: also machines that vanished, which keep their history."""
    counts = Machine.objects.order_by().values("project_id").annotate(count=Count("id")).values_list("count", flat=True)
    return max(counts, default=0)
