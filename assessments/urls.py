"""The catalogs, and the assessments of projects and groups."""

from django.urls import include, path

from assessments.comparison_views import ComparisonView, RunsView
from assessments.forecast_views import ForecastView
from assessments.glance_views import OverviewView
from assessments.preset_views import PresetsView
from assessments.preview_views import PreviewView
from assessments.price_change_views import PriceChangesView
from assessments.sensitivity_views import SensitivityView
from assessments.views import AssessedMachinesView, AssessmentsView

ASSESSMENTS = "projects/<str:project>/assessments/"
ASSESSMENT = ASSESSMENTS + "<str:assessment>/"

urlpatterns = [
    path("", include("assessments.catalog.urls")),
    path("overview/", OverviewView.as_view(), name="tenant-overview"),
    path("assessment-presets/", PresetsView.as_view(), name="assessment-presets"),
    path(
        "catalogs/<str:catalog>/price-changes/",
        PriceChangesView.as_view({"get": "retrieve"}),
        name="catalog-price-changes",
    ),
    path(
        "projects/<str:project>/groups/<str:group>/assessments/",
        AssessmentsView.as_view({"post": "create"}),
        name="group-assessments",
    ),
    path(
        "projects/<str:project>/groups/<str:group>/assessments/preview/",
        PreviewView.as_view({"post": "compute"}),
        name="assessment-preview",
    ),
    path(
        "projects/<str:project>/machines/<str:machine>/forecast/",
        ForecastView.as_view({"get": "of_machine"}),
        name="machine-forecast",
    ),
    path(
        "projects/<str:project>/groups/<str:group>/forecast/",
        ForecastView.as_view({"get": "of_group"}),
        name="group-forecast",
    ),
    path(
        "projects/<str:project>/appliances/<str:appliance>/forecast/",
        ForecastView.as_view({"get": "of_appliance"}),
        name="appliance-forecast",
    ),
    path(ASSESSMENTS, AssessmentsView.as_view({"get": "list"}), name="assessments"),
    path(
        ASSESSMENT,
        AssessmentsView.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="assessment",
    ),
    path(ASSESSMENT + "recalculate/", AssessmentsView.as_view({"post": "recalculate"}), name="assessment-recalculate"),
    path(ASSESSMENT + "cancel/", AssessmentsView.as_view({"post": "cancel"}), name="assessment-cancel"),
    path(ASSESSMENT + "machines/", AssessedMachinesView.as_view({"get": "list"}), name="assessed-machines"),
    path(ASSESSMENT + "totals/", AssessedMachinesView.as_view({"get": "totals"}), name="assessed-totals"),
    path(ASSESSMENT + "insights/", AssessedMachinesView.as_view({"get": "insights"}), name="assessed-insights"),
    path(
        ASSESSMENT + "machines/<str:machine>/",
        AssessedMachinesView.as_view({"get": "retrieve"}),
        name="assessed-machine",
    ),
    path(
        ASSESSMENT + "sensitivity/",
        SensitivityView.as_view({"get": "read_position", "post": "compute_grid"}),
        name="sensitivity",
    ),
    path(
        ASSESSMENT + "sensitivity/grid/",
        SensitivityView.as_view({"get": "read_grid", "delete": "cancel_grid"}),
        name="sensitivity-grid",
    ),
    path(ASSESSMENT + "runs/", RunsView.as_view({"get": "list"}), name="assessment-runs"),
    path(ASSESSMENT + "runs/<str:run>/", RunsView.as_view({"get": "retrieve"}), name="assessment-run"),
    path(ASSESSMENT + "runs/<str:run>/repeat/", RunsView.as_view({"post": "repeat"}), name="run-repeat"),
    path(ASSESSMENT + "compare/", ComparisonView.as_view({"get": "compare"}), name="assessment-compare"),
]
