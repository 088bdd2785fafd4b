"""Stored files: imports, reports and logos as rows, so that web and worker share no disk."""

from django.db import models
from django.utils import timezone

from migrate_hub.tenants.models import TenantModel
from migrate_hub.tenants.row_level_security import TenantForeignKey


class StoredFile(TenantModel):
    """A file of a tenant, written whole in one transaction; its bytes stand in FileChunk."""

    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=100)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "expires_at"], name="file_by_expiry")]

    def __str__(self) -> str:
        return self.name


class FileChunk(TenantModel):
    """One piece of a stored file, in order of `number` from 0."""

    file = TenantForeignKey(StoredFile, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "file", "number"], name="file_chunk_once")]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"
