"""/api/v1/catalogs/ and below."""

from django.urls import path

from assessments.catalog.views import CatalogsView, SkusView

urlpatterns = [
    path("catalogs/", CatalogsView.as_view({"get": "list"}), name="catalogs"),
    path("catalogs/<str:catalog>/", CatalogsView.as_view({"get": "retrieve"}), name="catalog"),
    path("catalogs/<str:catalog>/skus/", SkusView.as_view({"get": "list"}), name="catalog-skus"),
]
