"""The operators' admin: tenants, people, domains, jobs and catalogs. No tenant's data is reachable here.

Nobody signs in here: the portal's form does it, which counts failures and delays them, and asks for a second factor.
"""

from django.contrib import admin
from django.contrib.auth.models import Group as PermissionGroup

from migrate_hub.portal.operators import catalogs, jobs, people, site, tenants

__all__ = ["catalogs", "jobs", "people", "tenants"]

site.set_up(admin.site)
admin.site.unregister(PermissionGroup)
