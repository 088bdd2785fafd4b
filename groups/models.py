"""Group and its members: the machines that are assessed together."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from ingest.models import Machine
from migrate_hub.tenants.models import Project, TenantModel
from migrate_hub.tenants.row_level_security import TenantForeignKey


class Group(TenantModel):
    """Machines of one project, listed one by one (static) or described by a filter.

    `membership_version` rises with every change of the members, so that a run that pinned it can tell it is out of
    sync by one comparison. A group by filter has no GroupMember rows: its members are whoever matches.
    """

    project = TenantForeignKey(Project, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=200)
    filter = models.JSONField(null=True, help_text="None = static.")
    membership_version = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "project", "name"], condition=Q(deleted_at=None), name="group_name_once_a_project"
            )
        ]
        indexes = [models.Index(fields=["tenant", "project", "name", "id"], name="group_by_project")]

    def __str__(self) -> str:
        return self.name


class GroupMember(TenantModel):
    """One machine in a static group."""

    group = TenantForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    machine = TenantForeignKey(Machine, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "group", "machine"], name="group_member_once")]
        indexes = [models.Index(fields=["tenant", "machine"], name="group_member_by_machine")]

    def __str__(self) -> str:
        return f"{self.machine_id} in {self.group_id}"
