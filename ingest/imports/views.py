"""File imports of a project: send, read, confirm, cancel, undo."""

from django.db import models
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from ingest.imports import queueing
from ingest.imports.models import FileImport
from ingest.imports.problems import first_problems, problems_csv
from ingest.imports.serializers import ImportDetailOut, ImportIn, ImportOut
from ingest.receipts import upload_key
from migrate_hub.tenants.api import ProjectViewSet

KEY = OpenApiParameter(
    "Idempotency-Key",
    type=OpenApiTypes.STR,
    location=OpenApiParameter.HEADER,
    description="A UUID made for this import: the same request with it again answers with the import it made before.",
)


@extend_schema(tags=["imports"])
class ImportsView(ProjectViewSet):
    model = FileImport
    serializer_class = ImportOut
    ordering = ("-created_at", "id")
    parser_classes = [MultiPartParser]

    def get_queryset(self) -> models.QuerySet[FileImport]:
        return super().get_queryset().select_related("project")

    @extend_schema(responses=ImportOut(many=True))
    def list(self, request: Request, project: str) -> Response:
        return self.paged(self.get_queryset())

    @extend_schema(
        request={"multipart/form-data": ImportIn},
        parameters=[KEY],
        responses={202: ImportDetailOut},
        summary="Send a file",
    )
    def create(self, request: Request, project: str) -> Response:
        """Takes the file in and imports it in the background; read the import until its status is final.

        Nothing of the file is seen before the import is completed: it is one change, all or nothing. A row that is
        wrong costs only itself and is told with its place.
        """
        body = ImportIn(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        made = queueing.receive_import(
            project=self.project,
            file=asked["file"],
            file_name=asked["file"].name,
            file_format=asked["format"],
            dry_run=asked["dry_run"],
            shift_to_now=asked["shift_to_now"],
            zone=asked["timezone"],
            key=upload_key(request) if "Idempotency-Key" in request.headers else None,
            now=timezone.now(),
        )
        return self._detail(made, status.HTTP_202_ACCEPTED)

    @extend_schema(responses=ImportDetailOut)
    def retrieve(self, request: Request, project: str, file_import: str) -> Response:
        return self._detail(self._found(file_import))

    @extend_schema(
        responses={
            202: ImportDetailOut,
            204: OpenApiResponse(description="There was nothing to undo: it is forgotten."),
        },
        summary="Undo an import",
    )
    def destroy(self, request: Request, project: str, file_import: str) -> Response:
        """Undoes a completed import in the background, cancels one that runs, forgets a dry run or a failed one.

        Machines that the import made are removed, what it changed goes back, unless an appliance or a later import has
        spoken of the machine since. Imports may be undone in any order: the machines end as if those undone had never
        been. After `kept_until` it is too late (409 `too_late_to_undo`). Results of past runs stay as they are.
        """
        found = self._found(file_import)
        if queueing.take_back(found, timezone.now()):
            return Response(status=status.HTTP_204_NO_CONTENT)
        return self._detail(found, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: ImportDetailOut})
    def cancel(self, request: Request, project: str, file_import: str) -> Response:
        """Ends an import that is not finished: nothing of it is stored. One that has ended stays as it is."""
        found = self._found(file_import)
        queueing.cancel_import(found, timezone.now())
        return self._detail(found, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: ImportDetailOut})
    def confirm(self, request: Request, project: str, file_import: str) -> Response:
        """Does for real what a completed dry run tried, as a new import, with the file that was sent then."""
        made = queueing.confirm_import(self._found(file_import), timezone.now())
        return self._detail(made, status.HTTP_202_ACCEPTED)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, summary="Read all problems as CSV")
    def errors(self, request: Request, project: str, file_import: str) -> HttpResponseBase:
        """Every problem with sheet, row and column; up to 100,000 are kept, until `kept_until`."""
        return problems_csv(request._request, self._found(file_import), timezone.now())

    def _found(self, public_id: str) -> FileImport:
        found: FileImport = self.find(self.get_queryset(), public_id)
        return found

    def _detail(self, row: FileImport, code: int = status.HTTP_200_OK) -> Response:
        row.first_problems = first_problems(row, timezone.now())  # type: ignore[attr-defined]
        return Response(ImportDetailOut(row).data, status=code)
