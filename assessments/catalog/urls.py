"""/api/v1/catalogs/ and /api/v1/price-sheets/, and below."""

from django.urls import path

from assessments.catalog.price_sheet_views import PriceSheetRowsView, PriceSheetsView
from assessments.catalog.views import CatalogsView, SkusView

urlpatterns = [
    path("catalogs/", CatalogsView.as_view({"get": "list"}), name="catalogs"),
    path("catalogs/<str:catalog>/", CatalogsView.as_view({"get": "retrieve"}), name="catalog"),
    path("catalogs/<str:catalog>/skus/", SkusView.as_view({"get": "list"}), name="catalog-skus"),
    path("price-sheets/", PriceSheetsView.as_view({"get": "list", "post": "create"}), name="price-sheets"),
    path(
        "price-sheets/<str:price_sheet>/",
        PriceSheetsView.as_view({"get": "retrieve", "delete": "destroy"}),
        name="price-sheet",
    ),
    path("price-sheets/<str:price_sheet>/rows/", PriceSheetRowsView.as_view({"get": "list"}), name="price-sheet-rows"),
]
