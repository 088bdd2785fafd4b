"""What is done for every tenant is done for the others although one fails."""

from migrate_hub.jobs.each_tenant import each_tenant
from migrate_hub.tenants.models import Tenant
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make


def test_a_tenant_that_fails_keeps_no_other() -> None:
    ids = [make.cast().tenant.id for _ in range(3)]
    done = []

    def work(tenant: Tenant) -> None:
        with tenant_context(tenant.id):
            if tenant.id == ids[1]:
                Tenant.objects.raw("SELECT 1 / 0 AS id")[0]
            done.append(tenant.id)

    each_tenant(work, Tenant.objects.filter(id__in=ids))
    assert done == [ids[0], ids[2]]
