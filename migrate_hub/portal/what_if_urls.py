"""The pages around a run: sliders, its siblings, comparison, catalogs and price sheets."""

from django.urls import path

from migrate_hub.portal import catalogs, comparison, forecast, price_sheets, runs, sensitivity

ASSESSMENT = "projects/<str:project>/assessments/<str:assessment>/"
CATALOG = "catalogs/<str:catalog>/"
PRICE_SHEETS = "price-sheets/"
PRICE_SHEET = f"{PRICE_SHEETS}<str:price_sheet>/"
SENSITIVITY = f"{ASSESSMENT}sensitivity/"
RUN = f"{ASSESSMENT}runs/<str:run>/"

urlpatterns = [
    path("catalogs/", catalogs.CatalogsView.as_view(), name="catalogs"),
    path(CATALOG, catalogs.CatalogView.as_view(), name="catalog"),
    path(f"{CATALOG}changes/", catalogs.PriceChangesView.as_view(), name="price-changes"),
    path(PRICE_SHEETS, price_sheets.PriceSheetsView.as_view(), name="price-sheets"),
    path(f"{PRICE_SHEETS}template.csv", price_sheets.PriceSheetTemplateView.as_view(), name="price-sheet-template"),
    path(PRICE_SHEET, price_sheets.PriceSheetView.as_view(), name="price-sheet"),
    path(f"{PRICE_SHEET}delete/", price_sheets.DeletePriceSheetView.as_view(), name="delete-price-sheet"),
    path(SENSITIVITY, sensitivity.SensitivityView.as_view(), name="sensitivity"),
    path(f"{SENSITIVITY}position/", sensitivity.PositionView.as_view(), name="sensitivity-position"),
    path(f"{SENSITIVITY}grid/", sensitivity.GridView.as_view(), name="sensitivity-grid"),
    path(f"{SENSITIVITY}grid/cancel/", sensitivity.CancelGridView.as_view(), name="cancel-grid"),
    path(f"{SENSITIVITY}curves/", sensitivity.CurvesView.as_view(), name="sensitivity-curves"),
    path(f"{ASSESSMENT}forecast/", forecast.ForecastView.as_view(), name="assessment-forecast"),
    path(f"{ASSESSMENT}runs/", runs.RunsView.as_view(), name="runs"),
    path(RUN, runs.RunView.as_view(), name="run"),
    path(f"{RUN}state/", runs.RunStateView.as_view(), name="run-state"),
    path(f"{RUN}repeat/", runs.RepeatView.as_view(), name="repeat-run"),
    path(f"{ASSESSMENT}compare/", comparison.CompareView.as_view(), name="compare"),
    path(f"{ASSESSMENT}compare/report/", comparison.CompareReportView.as_view(), name="compare-report"),
]
