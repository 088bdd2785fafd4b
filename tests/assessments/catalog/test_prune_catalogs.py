"""manage.py prune_catalogs: old catalogs go, those that a run of any tenant pins stay."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from assessments.catalog.loading import load_catalog
from assessments.catalog.models import Catalog, CatalogSource, Sku, SkuPrice
from tests import make
from tests.assessments.catalog.catalogs import make_file, make_price, make_tables
from tests.estate import assessed, enrolled, group_of_all, machine

pytestmark = pytest.mark.usefixtures("catalog")


def old_catalog() -> Catalog:
    """A catalog of its own that is not the current one."""
    file = make_file(make_tables(prices=[make_price()]), name=f"Test {uuid4()}")
    return load_catalog(file, may_be_current=False)[0]


def prune(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, str]:
    """Name and outcome of every catalog, as the command prints them."""
    call_command("prune_catalogs", *options)
    lines = [line.split(" (as of ") for line in capsys.readouterr().out.splitlines() if " (as of " in line]
    return {name: rest.partition("): ")[2] for name, rest in lines}


def there(catalog: Catalog) -> list[bool]:
    """Whether the catalog and each of its parts is there."""
    parts: list[Any] = [model.objects.filter(catalog=catalog) for model in (CatalogSource, Sku, SkuPrice)]
    return [query.exists() for query in (Catalog.objects.filter(pk=catalog.pk), *parts)]


def test_what_nothing_pins_goes_with_all_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    old, newest = old_catalog(), old_catalog()
    current = Catalog.objects.get(is_current=True)
    told = prune(capsys, "--keep", "1")
    assert (told[old.name], there(old)) == ("removed", [False] * 4)
    assert (told[newest.name], there(newest)) == ("kept: it is one of the newest", [True] * 4)
    assert (told[current.name], there(current)) == ("kept: it is the current one", [True] * 4)


@pytest.mark.usefixtures("background")
def test_a_catalog_that_a_run_of_any_tenant_pins_stays_whole(capsys: pytest.CaptureFixture[str]) -> None:
    pinned, other = old_catalog(), old_catalog()
    api = make.cast().alice
    project, _ = enrolled(api, [machine("sql-01")])
    group = group_of_all(api, project)
    assessment = assessed(api, project, group, catalog=str(pinned.pk), sizing_criterion="as_on_premises")
    told = prune(capsys, "--keep", "0")
    assert (told[pinned.name], there(pinned)) == ("kept: runs pin it", [True] * 4)
    assert (told[other.name], there(other)) == ("removed", [False] * 4)
    rows = api.ok(api.get(f"projects/{project}/assessments/{assessment['id']}/machines/"))["results"]
    path = f"projects/{project}/assessments/{assessment['id']}/machines/{rows[0]['machine']}/"
    assert api.ok(api.get(path))["trace"]["catalog"]["name"] == pinned.name


def test_a_dry_run_says_the_same_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    old = old_catalog()
    assert prune(capsys, "--keep", "0", "--dry-run")[old.name] == "removed"
    assert there(old) == [True] * 4


@pytest.mark.parametrize("options", [[], ["--keep", "-1"], ["--keep", "all"]])
def test_how_many_to_keep_must_be_said(options: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("prune_catalogs", *options)
