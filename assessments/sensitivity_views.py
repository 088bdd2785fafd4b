"""Sensitivity of the published run of an assessment: one position at once, the whole grid in the background."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from assessments import sensitivity_jobs as jobs
from assessments.models import RunStatus, ShardArrays
from assessments.sensitivity import position_of, totals_at
from assessments.sensitivity_serializers import NOT_STARTED, GridOut, PositionQuery, SensitivityOut
from assessments.views import RunRowsView


@extend_schema(tags=["assessments"])
class SensitivityView(RunRowsView):
    model = ShardArrays

    @extend_schema(parameters=[PositionQuery], responses=SensitivityOut)
    def read_position(self, request: Request, project: str, assessment: str) -> Response:
        """Cost, sizes and readiness of the published run at another percentile, comfort factor or window.

        409 `sensitivity_not_ready` until the percentiles of the run are there, some time after it was published.
        """
        query = PositionQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        position = position_of(self.run, **query.validated_data)
        jobs.refuse_unless_ready(self.run)
        return Response(SensitivityOut({**self._named(), **totals_at(self.run, position)}).data)

    def _named(self) -> dict[str, Any]:
        return {"run": self.run.id, "currency": self.run.settings["currency"]}

    @extend_schema(request=None, responses={202: GridOut})
    def compute_grid(self, request: Request, project: str, assessment: str) -> Response:
        """Computes every position of the grid in the background; asking again changes nothing."""
        jobs.request_grid(self.run)
        return Response(self._grid(), status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses=GridOut)
    def read_grid(self, request: Request, project: str, assessment: str) -> Response:
        """How far the grid is and, when it is complete, all of its positions."""
        return Response(self._grid())

    @extend_schema(responses=GridOut)
    def cancel_grid(self, request: Request, project: str, assessment: str) -> Response:
        """Stops computing the grid; what is there of it is kept, and asking again goes on from there."""
        jobs.cancel_grid(self.run)
        return Response(self._grid())

    def _grid(self) -> Any:
        found = jobs.progress_of(self.run)
        answer = {
            **self._named(),
            "status": found.grid_status or NOT_STARTED,
            "progress": {"done": found.positions_done, "total": jobs.GRID_POSITIONS},
            "percentiles": {
                "status": found.percentiles_status or NOT_STARTED,
                "progress": {"done": found.machines_done, "total": found.machines},
            },
        }
        if found.grid_status == RunStatus.COMPLETED:
            answer["positions"] = jobs.grid_of(self.run)
        return GridOut(answer).data
