"""/api/v1/: appliances and machines of a project, and what appliances call."""

from django.urls import path

from ingest import appliance_views, usage_views, views

APPLIANCE = "projects/<str:project>/appliances/<str:appliance>/"
MACHINE = "projects/<str:project>/machines/<str:machine>/"


urlpatterns = [
    path("usage/", usage_views.UsageView.as_view(), name="usage"),
    path(
        "projects/<str:project>/appliances/",
        views.AppliancesView.as_view({"get": "list", "post": "create"}),
        name="appliances",
    ),
    path(APPLIANCE, views.AppliancesView.as_view({"get": "retrieve"}), name="appliance"),
    path(
        f"{APPLIANCE}registration-key/",
        views.AppliancesView.as_view({"post": "registration_key"}),
        name="registration-key",
    ),
    path(f"{APPLIANCE}revoke-tokens/", views.AppliancesView.as_view({"post": "revoke_tokens"}), name="revoke-tokens"),
    path(
        f"{APPLIANCE}confirm-snapshot/",
        views.AppliancesView.as_view({"post": "confirm_snapshot"}),
        name="confirm-snapshot",
    ),
    path(f"{APPLIANCE}coverage/", views.ApplianceCoverageView.as_view({"get": "retrieve"}), name="appliance-coverage"),
    path(f"{APPLIANCE}rejected/", views.RejectedView.as_view({"get": "list"}), name="rejected"),
    path(f"{APPLIANCE}rejected.csv", views.RejectedView.as_view({"get": "export"}), name="rejected-export"),
    path("projects/<str:project>/machines/", views.MachinesView.as_view({"get": "list"}), name="machines"),
    path(
        "projects/<str:project>/machines/summary/",
        views.MachinesView.as_view({"get": "summary"}),
        name="machines-summary",
    ),
    path(
        "projects/<str:project>/machines/export.csv",
        views.MachinesView.as_view({"get": "export"}),
        name="machines-export",
    ),
    path(MACHINE, views.MachinesView.as_view({"get": "retrieve"}), name="machine"),
    path(f"{MACHINE}coverage/", views.MachinesView.as_view({"get": "coverage"}), name="machine-coverage"),
    path(f"{MACHINE}performance/", views.MachinesView.as_view({"get": "performance"}), name="machine-performance"),
    path("appliances/register/", appliance_views.RegisterView.as_view(), name="register"),
    path("appliances/token/", appliance_views.TokenView.as_view(), name="rotate-token"),
    path("ingest/heartbeat/", appliance_views.HeartbeatView.as_view(), name="heartbeat"),
    path("ingest/inventory/", appliance_views.InventoryView.as_view(), name="inventory-upload"),
    path("ingest/performance/", appliance_views.PerformanceView.as_view(), name="performance-upload"),
]
