"""What a run was assessed against: its pinned catalog, region and settings as the engine takes them."""

from collections import OrderedDict
from datetime import timedelta
from uuid import UUID

from assessments.catalog.price_origins import PriceOrigins, load_origins
from assessments.catalog.selection import PinnedSheet, load_region
from assessments.credit_history import terms_to_look_at
from assessments.engine.fixed_point import IntArray
from assessments.engine.rankings import Rankings
from assessments.engine.target import Target
from assessments.engine.values import Catalog
from assessments.models import AssessmentRun
from assessments.settings import engine_settings


def target_of(
    run: AssessmentRun, *, prices_of: AssessmentRun | None = None, region_of: AssessmentRun | None = None
) -> Target:
    """The settings of a run with its own prices and region, or with those of another run; read once a process.

    Raises DomainError `unknown_region` when those other prices have none for the region.
    """
    prices, region = prices_of or run, (region_of or run).region
    catalog = load_region(prices.catalog, region, run.settings["currency"], _sheet_of(prices))
    return Target.of(catalog, engine_settings(run.settings))


# The rankings of the runs last worked on: the shards of a run, one after the other, ask for the same.
_rankings: OrderedDict[UUID, Rankings] = OrderedDict()
RANKINGS_KEPT = 4


def rankings_of(run: AssessmentRun) -> Rankings:
    """The sizes that a run chooses from, best first; kept in the process, since the target of a run never changes."""
    found = _rankings.pop(run.id, None) or Rankings(target_of(run))
    _rankings[run.id] = found
    while len(_rankings) > RANKINGS_KEPT:
        _rankings.popitem(last=False)
    return found


def catalog_of(run: AssessmentRun) -> Catalog:
    """What was on sale for a run: its pinned catalog and region, with the prices of its price sheet of that day."""
    return load_region(run.catalog, run.region, run.settings["currency"], _sheet_of(run))


def credit_terms_of(run: AssessmentRun, window: timedelta | None = None) -> IntArray | None:
    """The credit terms of burstable sizes that matter to a run, or would with another window; None where none do."""
    length = window or run.performance_end_at - run.performance_start_at
    return terms_to_look_at(engine_settings(run.settings), catalog_of(run), length)


def origins_of(run: AssessmentRun) -> PriceOrigins:
    """Where the prices of `catalog_of` come from."""
    return load_origins(run.catalog, run.region, run.settings["currency"], _sheet_of(run))


def _sheet_of(run: AssessmentRun) -> PinnedSheet | None:
    sheet_id = run.settings.get("price_sheet")
    return PinnedSheet(UUID(sheet_id), run.prices_on or run.created_at.date()) if sheet_id else None
