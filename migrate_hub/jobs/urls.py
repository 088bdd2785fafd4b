"""/api/v1/jobs/."""

from django.urls import path

from migrate_hub.jobs import views

urlpatterns = [
    path("jobs/", views.JobsView.as_view({"get": "list"}), name="jobs"),
    path("jobs/<str:job>/", views.JobsView.as_view({"get": "retrieve"}), name="job"),
    path("jobs/<str:job>/cancel/", views.JobsView.as_view({"post": "cancel"}), name="cancel-job"),
]
