"""How people want the tables that they look at."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from migrate_hub.tenants.models import TenantModel, User


class InventoryTable(TenantModel):
    """How one person wants the inventory table of this tenant: which columns, in which order, how many rows a page."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    columns = ArrayField(models.CharField(max_length=32))
    page_size = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="inventory_table_once_a_person")]

    def __str__(self) -> str:
        return ", ".join(self.columns)
