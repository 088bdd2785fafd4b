"""What forms offer to choose from: regions and currencies of the current catalog, catalogs and price sheets."""

from assessments.catalog.models import Catalog, CatalogRegion, CurrencyRate, PriceSheet

Choices = list[tuple[str, str]]
MAX_CATALOGS, MAX_PRICE_SHEETS = 50, 200


def regions() -> Choices:
    """Regions that sell sizes, by name; empty while no catalog is loaded."""
    catalog = Catalog.objects.current()
    if catalog is None:
        return []
    rows = CatalogRegion.objects.filter(catalog=catalog, lists_sizes=True).order_by("display_name")
    return list(rows.values_list("region", "display_name"))


def currencies() -> Choices:
    """Currencies the catalog can convert to; the dollar, in which it is kept, comes first."""
    catalog = Catalog.objects.current()
    rates = CurrencyRate.objects.filter(catalog=catalog).exclude(currency="USD").order_by("currency")
    known = rates.values_list("currency", flat=True) if catalog else []
    return [(name, name) for name in ["USD", *known]]


def catalogs() -> Choices:
    """Catalogs by id, the current one first, then the newest; empty while none is loaded."""
    rows = Catalog.objects.only("name", "as_of", "is_current").order_by("-is_current", "-as_of", "-id")[:MAX_CATALOGS]
    return [
        (str(row.id), f"{row.name}, prices of {row.as_of:%Y-%m-%d}{' (the newest)' if row.is_current else ''}")
        for row in rows
    ]


def price_sheets() -> Choices:
    """None, and the price sheets of the tenant, the newest first."""
    rows = PriceSheet.objects.filter(deleted_at=None).order_by("-created_at", "-id")[:MAX_PRICE_SHEETS]
    return [("", "None: published prices"), *((str(row.id), f"{row.name} ({row.currency})") for row in rows)]
