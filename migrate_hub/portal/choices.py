"""What forms offer to choose from: the regions and currencies of the current catalog."""

from assessments.catalog.models import Catalog, CatalogRegion, CurrencyRate

Choices = list[tuple[str, str]]


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
