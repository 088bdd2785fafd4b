"""OpenID Connect of a tenant: what its owner configured, whom its issuer knows, and which domain leads to it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from migrate_hub.tenants.models import Tenant, TenantModel, User, uuid7


class Newcomers(models.TextChoices):
    """What happens to people whom the issuer knows and the tenant does not."""

    REFUSED = "refused"
    READERS = "readers"


class CompanySignIn(TenantModel):
    """How the people of a tenant sign in at their company. The secret is encrypted and never shown again."""

    issuer = models.CharField(max_length=500)
    client_id = models.CharField(max_length=255)
    client_secret_encrypted = models.BinaryField(max_length=4000)
    email_domains = models.JSONField(default=list, help_text="Lower case; addresses of other domains do not enter.")
    newcomers = models.CharField(max_length=16, choices=Newcomers.choices, default=Newcomers.REFUSED)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="one_company_sign_in_a_tenant"),
            models.CheckConstraint(condition=Q(newcomers__in=Newcomers.values), name="newcomers_known"),
        ]

    def __str__(self) -> str:
        return self.issuer


class Identity(TenantModel):
    """A person as one issuer of one tenant knows them. Two tenants with one issuer have two rows of one subject."""

    issuer = models.CharField(max_length=500)
    subject = models.CharField(max_length=255)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "issuer", "subject"], name="identity_once_a_tenant"),
        ]

    def __str__(self) -> str:
        return f"identity of {self.user_id}"


class DomainRoute(models.Model):
    """The tenant to whose issuer addresses of a domain are led from the common sign-in page.

    An operator confirms that the domain is the tenant's: otherwise an owner could draw another company's people to an
    issuer of their own. Read before a tenant is known, so it holds the SHA-256 of the domain, ids and a state only.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    domain_sha256 = models.BinaryField(unique=True, max_length=32)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"domain {bytes(self.domain_sha256).hex()[:12]}"
