"""SentForm: what the portal remembers of a sent form, so that the same one sent again does nothing twice."""

from django.db import models
from django.utils import timezone

from migrate_hub.tenants.models import TenantModel

MAX_LOCATION = 2000


class SentForm(TenantModel):
    """A form that one person sent, and where it led; the row is written in the transaction that did what it asked.

    `digest` stands for the form's one-time key, its address and everything that was filled in. Kept for a day.
    """

    user_id = models.UUIDField()
    digest = models.BinaryField(max_length=32)
    location = models.CharField(max_length=MAX_LOCATION, blank=True)
    sent_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user_id", "digest"], name="sent_form_once")]
        indexes = [models.Index(fields=["tenant", "sent_at"], name="sent_form_by_time")]

    def __str__(self) -> str:
        return f"form sent at {self.sent_at} to {self.location}"
