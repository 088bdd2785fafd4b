"""What appliances call: registration, rotation, heartbeat and the two uploads."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest import appliances
from ingest.appliances import ApplianceView
from ingest.inventory import store_inventory
from ingest.limits import (
    DEFAULT_INTERVAL_SECONDS,
    MAX_MACHINES_INVENTORY,
    MAX_MACHINES_PERFORMANCE,
    UPLOAD_EVERY_SECONDS,
)
from ingest.receipts import upload_key
from ingest.snapshots import SuspiciousSnapshotError
from ingest.store import note_upload, store_performance
from ingest.uploads import (
    Heartbeat,
    HeartbeatAnswer,
    InventoryUpload,
    PerformanceUpload,
    Registered,
    Registration,
    Rotated,
    UploadAnswer,
    UploadParser,
    body_of,
    decode_message,
)
from migrate_hub.bodies import MAX_INFLATED_BYTES, MAX_WIRE_BYTES
from migrate_hub.errors import PROBLEM_CONTENT_TYPE, DomainError, problem_document, problem_headers
from migrate_hub.schema import json_answer, json_body
from migrate_hub.tenants.row_level_security import tenant_slot

UPLOAD_LIMITS = {
    "interval_seconds": DEFAULT_INTERVAL_SECONDS,
    "upload_every_seconds": UPLOAD_EVERY_SECONDS,
    "max_machines_performance": MAX_MACHINES_PERFORMANCE,
    "max_machines_inventory": MAX_MACHINES_INVENTORY,
    "max_bytes": MAX_WIRE_BYTES,
    "max_inflated_bytes": MAX_INFLATED_BYTES,
}
UPLOAD_HEADERS = [
    OpenApiParameter(
        "Idempotency-Key",
        type=OpenApiTypes.STR,
        location=OpenApiParameter.HEADER,
        required=True,
        description="A UUID made by the appliance for this batch, the same on each retry.",
    )
]


@extend_schema(tags=["appliance side"])
class RegisterView(APIView):
    """Exchanges a one-time registration key for a token. The key in the body is the proof, so there is no token."""

    authentication_classes: Any = []
    permission_classes = [AllowAny]
    parser_classes = [UploadParser]

    @extend_schema(request=json_body(Registration), responses={201: json_answer(Registered)}, auth=[])
    def post(self, request: Request) -> Response:
        body: Registration = decode_message(Registration, body_of(request))
        with tenant_slot():
            done = appliances.register(
                registration_key=body.registration_key,
                hostname=body.hostname,
                version=body.version,
                now=timezone.now(),
            )
        request._request.tenant_id = done.appliance.tenant_id  # type: ignore[attr-defined]  # read by the request log
        answer = {
            "appliance": str(done.appliance.id),
            "token": done.issued.wire,
            "token_expires_at": done.issued.token.expires_at,
            "epoch": done.appliance.epoch,
            "upload": UPLOAD_LIMITS,
        }
        return Response(answer, status=status.HTTP_201_CREATED)


@extend_schema(tags=["appliance side"])
class TokenView(ApplianceView):
    @extend_schema(request=None, responses={201: json_answer(Rotated)})
    def post(self, request: Request) -> Response:
        """A new token; the old one lives until the new one is first used."""
        issued = appliances.rotate_token(appliance=self.appliance, token=self.principal.token, now=timezone.now())
        answer = {"token": issued.wire, "token_expires_at": issued.token.expires_at}
        return Response(answer, status=status.HTTP_201_CREATED)


@extend_schema(tags=["appliance side"])
class HeartbeatView(ApplianceView):
    parser_classes = [UploadParser]

    @extend_schema(request=json_body(Heartbeat), responses={200: json_answer(HeartbeatAnswer)})
    def post(self, request: Request) -> Response:
        """Says that the appliance lives, and what it has to complain about."""
        body: Heartbeat = decode_message(Heartbeat, body_of(request))
        now = timezone.now()
        appliances.note_heartbeat(appliance=self.appliance, heartbeat=body, now=now)
        return Response({"received_at": now})


@extend_schema(tags=["appliance side"])
class InventoryView(ApplianceView):
    parser_classes = [UploadParser]

    @extend_schema(
        request=json_body(InventoryUpload), responses={200: json_answer(UploadAnswer)}, parameters=UPLOAD_HEADERS
    )
    def post(self, request: Request) -> Response:
        """Machines of the appliance: a snapshot of its whole scope, or what changed."""
        key, body, now = upload_key(request), body_of(request), timezone.now()
        try:
            answer = store_inventory(appliance=self.appliance, epoch=self.epoch, key=key, body=body, now=now)
        except SuspiciousSnapshotError as error:
            note_upload(self.appliance, sent_at=None, now=now)
            return _held_back(error)
        return Response(answer)


def _held_back(error: SuspiciousSnapshotError) -> Response:
    """409 as an answer and not as an exception: what is remembered of the snapshot must be committed."""
    problem = DomainError(
        code="snapshot_suspicious",
        status=409,
        detail=f"The snapshot would remove {error.removes} of {error.known_machines} machines. It is stored when "
        "somebody confirms that in the project, or when three snapshots in a row say the same.",
    )
    return Response(
        problem_document(problem), status=409, headers=problem_headers(problem), content_type=PROBLEM_CONTENT_TYPE
    )


@extend_schema(tags=["appliance side"])
class PerformanceView(ApplianceView):
    parser_classes = [UploadParser]

    @extend_schema(
        request=json_body(PerformanceUpload), responses={200: json_answer(UploadAnswer)}, parameters=UPLOAD_HEADERS
    )
    def post(self, request: Request) -> Response:
        """Points of machines that the inventory knows. A wrong record costs only itself."""
        key, body, now = upload_key(request), body_of(request), timezone.now()
        return Response(store_performance(appliance=self.appliance, epoch=self.epoch, key=key, body=body, now=now))
