"""Real decisions: 100 machines of Microsoft's public sample exports of 2020-09, in six scenarios (West US prices).

The expected sizes and costs are what the service itself recommended. One run of the engine answers all six.
"""

import json
from typing import Any

import pytest

from assessments.engine.assess import assess
from assessments.engine.recommendations import Recommendations
from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.engine.settings import Settings
from assessments.engine.values import Catalog
from tests.assessments.engine.estate import DATA, Disk, Machine, Nic, cents, estate, westus

FAMILIES = ("dsv2", "fs", "dsv3", "ev3", "fsv2", "ls", "av2")
ROWS: list[dict[str, Any]] = [json.loads(line) for line in (DATA / "golden_machines.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return westus()


@pytest.fixture(scope="module", params=["as_on_premises", "performance_based"])
def answer(catalog: Catalog, request: pytest.FixtureRequest) -> Recommendations:
    """The exports hold no utilization, so both criteria gave the same."""
    machines = [
        Machine(
            cores=row["cores"],
            memory_mb=row["memory_mb"],
            os=row["os"],
            boot=row["boot"],
            disks=[Disk(size) for size, _, _ in row["disks"]],
            nics=[Nic()] * row["nics"],
        )
        for row in ROWS
    ]
    settings = Settings(
        sizing_criterion=request.param,
        sku_families=FAMILIES,
        hybrid_benefit="none",
        rule_set="am-2020-09",
    )
    return assess(estate(machines), catalog, settings)


def test_every_size_and_monthly_cost_in_every_scenario_is_the_real_one(
    answer: Recommendations, catalog: Catalog
) -> None:
    for name in ROWS[0]["scenarios"]:
        scenario = answer.scenarios[SCENARIO_NAMES.index(name)]
        given = [
            [catalog.sizes.names[size], cents(cost)]
            for size, cost in zip(scenario.size, scenario.monthly_compute_cost.values, strict=True)
        ]
        assert given == [[row["scenarios"][name][0], f"{float(row['scenarios'][name][1]):.2f}"] for row in ROWS], name
        assert scenario.priced_machines == len(ROWS)


def test_every_disk_gets_the_real_tier_and_price(answer: Recommendations, catalog: Catalog) -> None:
    disks = answer.disks
    given = [
        [catalog.disk_tiers.names[tier], cents(cost)]
        for tier, cost in zip(disks.tier, disks.monthly_cost.values, strict=True)
    ]
    assert given == [[tier, f"{cost:.2f}"] for row in ROWS for _, tier, cost in row["disks"]]
    storage = [cents(cost) for cost in answer.monthly_storage_cost.values]
    assert storage == [f"{float(row['storage_month']):.2f}" for row in ROWS]


def test_every_readiness_and_issue_is_the_real_one(answer: Recommendations) -> None:
    for machine, row in enumerate(ROWS):
        assert answer.readiness_of(machine) == row["readiness"]
        assert [issue.code for issue in answer.finding_list(machine)] == row["findings"]
