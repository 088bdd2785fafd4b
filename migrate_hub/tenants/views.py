"""Projects, tokens, members and the audit trail of the caller's tenant."""

from typing import Any

from django.db import models
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from migrate_hub.errors import DomainError, not_found
from migrate_hub.tenants import audit, invitations, people
from migrate_hub.tenants.api import TenantAPIView, TenantViewSet, as_uuid
from migrate_hub.tenants.models import (
    AuditEvent,
    Invitation,
    Membership,
    Project,
    Role,
    Tenant,
    Token,
    TokenKind,
    TokenLabel,
)
from migrate_hub.tenants.serializers import (
    AuditOut,
    AuditQuery,
    InvitationCreated,
    InvitationIn,
    InvitationOut,
    MemberIn,
    MemberOut,
    ProjectIn,
    ProjectOut,
    TenantIn,
    TenantOut,
    TokenCreated,
    TokenIn,
    TokenOut,
)


@extend_schema(tags=["projects"])
class ProjectsView(TenantViewSet):
    model = Project
    serializer_class = ProjectOut
    action_roles = {"destroy": Role.OWNER}

    def get_queryset(self) -> models.QuerySet[Project]:
        return super().get_queryset().filter(deleted_at=None)

    @extend_schema(responses=ProjectOut(many=True))
    def list(self, request: Request) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(request=ProjectIn, responses={201: ProjectOut})
    def create(self, request: Request) -> Response:
        body = ProjectIn(data=request.data)
        body.is_valid(raise_exception=True)
        project = people.create_project(**body.validated_data)
        return Response(ProjectOut(project).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=ProjectOut)
    def retrieve(self, request: Request, project: str) -> Response:
        return Response(ProjectOut(self.find(self.get_queryset(), project)).data)

    @extend_schema(request=ProjectIn, responses=ProjectOut)
    def partial_update(self, request: Request, project: str) -> Response:
        found = self.find(self.get_queryset(), project)
        body = ProjectIn(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        return Response(ProjectOut(people.change_project(found, **body.validated_data)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, project: str) -> Response:
        people.delete_project(self.find(self.get_queryset(), project), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class OfTenant(TenantViewSet):
    """Tables that are read before a tenant is known carry no policy: the filter here is their lock."""

    def get_queryset(self) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = self.model._default_manager.filter(tenant_id=self.principal.tenant_id)
        return rows


@extend_schema(tags=["access"])
class TokensView(OfTenant):
    """A person's own tokens; an owner sees and revokes everybody's."""

    model = Token  # type: ignore[assignment]  # no TenantModel: see OfTenant
    serializer_class = TokenOut
    action_roles = {"create": Role.READER, "destroy": Role.READER}

    def get_queryset(self) -> models.QuerySet[Token]:
        tokens: models.QuerySet[Token] = super().get_queryset().filter(kind=TokenKind.ACCESS)
        if self.principal.role != Role.OWNER:
            tokens = tokens.filter(user=self.principal.token.user)
        names = TokenLabel.objects.filter(token_id=models.OuterRef("id")).values("name")
        return tokens.annotate(name=models.Subquery(names))

    @extend_schema(responses=TokenOut(many=True))
    def list(self, request: Request) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(request=TokenIn, responses={201: TokenCreated})
    def create(self, request: Request) -> Response:
        body = TokenIn(data=request.data)
        body.is_valid(raise_exception=True)
        role = Role(body.validated_data["role"])
        if self.principal.role is None or not self.principal.role.includes(role):
            raise DomainError(
                code="role_too_high", status=403, detail="A token cannot have more than the role you use now."
            )
        membership = Membership.objects.select_related("user", "tenant").get(
            tenant_id=self.principal.tenant_id, user=self.principal.token.user
        )
        issued = people.make_access_token(
            membership=membership,
            role=role,
            name=body.validated_data["name"],
            now=timezone.now(),
            days=body.validated_data["expires_in_days"],
        )
        token = self.get_queryset().get(id=issued.token.id)
        return Response({**TokenOut(token).data, "access_token": issued.wire}, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, token: str) -> Response:
        people.revoke_token(self.find(self.get_queryset(), token), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["access"])
class MembersView(OfTenant):
    model = Membership  # type: ignore[assignment]  # no TenantModel: see OfTenant
    serializer_class = MemberOut
    action_roles = {"create": Role.OWNER, "destroy": Role.OWNER}

    def get_queryset(self) -> models.QuerySet[Membership]:
        return super().get_queryset().select_related("user")

    @extend_schema(responses=MemberOut(many=True))
    def list(self, request: Request) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(request=MemberIn, responses={201: MemberOut})
    def create(self, request: Request) -> Response:
        body = MemberIn(data=request.data)
        body.is_valid(raise_exception=True)
        tenant = Tenant.objects.get(id=self.principal.tenant_id)
        membership = people.add_member(
            tenant=tenant, email=body.validated_data["email"], role=Role(body.validated_data["role"])
        )
        return Response(MemberOut(membership).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, member: str) -> Response:
        found = self.get_queryset().filter(pk=as_uuid(member)).first()
        if found is None:
            raise not_found()
        people.remove_member(found)
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["access"])
class InvitationsView(OfTenant):
    """Links by which people join. The link is in the answer that makes it and nowhere else."""

    model = Invitation  # type: ignore[assignment]  # no TenantModel: see OfTenant
    serializer_class = InvitationOut
    reads_need = writes_need = Role.OWNER
    ordering = ("-created_at", "-id")

    def get_queryset(self) -> models.QuerySet[Invitation]:
        return invitations.invitations_of(self.principal.tenant_id)

    @extend_schema(responses=InvitationOut(many=True))
    def list(self, request: Request) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(request=InvitationIn, responses={201: InvitationCreated})
    def create(self, request: Request) -> Response:
        body = InvitationIn(data=request.data)
        body.is_valid(raise_exception=True)
        invited = invitations.invite(
            tenant=Tenant.objects.get(id=self.principal.tenant_id),
            email=body.validated_data["email"],
            role=Role(body.validated_data["role"]),
            invited_by=self.principal.token.user,
            now=timezone.now(),
        )
        row = InvitationOut(self.get_queryset().get(pk=invited.invitation.pk)).data
        return Response({**row, "link": invited.link, "mailed": invited.mailed}, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, invitation: str) -> Response:
        invitations.revoke(self.find(self.get_queryset(), invitation), timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


@extend_schema(tags=["access"])
class TenantView(TenantAPIView):
    """The caller's tenant and what it asks of its members."""

    writes_need = Role.OWNER

    @extend_schema(responses=TenantOut)
    def get(self, request: Request) -> Response:
        return Response(TenantOut(self._tenant()).data)

    @extend_schema(request=TenantIn, responses=TenantOut)
    def patch(self, request: Request) -> Response:
        """Access tokens go on working whatever is set: the second factor is about signing in to the portal."""
        body = TenantIn(data=request.data)
        body.is_valid(raise_exception=True)
        tenant = people.require_second_factor(self._tenant(), required=body.validated_data["second_factor_required"])
        return Response(TenantOut(tenant).data)

    def _tenant(self) -> Tenant:
        return Tenant.objects.get(id=self.principal.tenant_id)


@extend_schema(tags=["access"])
class AuditView(TenantViewSet):
    model = AuditEvent
    serializer_class = AuditOut
    ordering = ("-at", "id")

    @extend_schema(responses=AuditOut(many=True), parameters=[AuditQuery])
    def list(self, request: Request) -> Response:
        query = AuditQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        return self.paged(audit.matching(**query.validated_data))
