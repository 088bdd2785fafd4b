"""How far a scenario's prices reach over the sizes that machines may get."""

import pytest

from assessments.engine.rankings import Rankings
from assessments.engine.scenarios import SCENARIO_NAMES
from assessments.engine.settings import Settings
from assessments.engine.target import Target
from tests.assessments.engine.estate import Offerings, Size

SIZES = [
    Size("Standard_D2s_v3", savings_1y="0.08"),
    Size("Standard_D4s_v3"),
    Size("Standard_D8s_v3", linux=None),
    Size("Standard_E2s_v3", available=False, savings_1y="0.09"),
    Size("Standard_D2ps_v5", considered=False, savings_1y="0.05"),
]


@pytest.mark.parametrize(("scenario", "priced"), [("pay_as_you_go", 2), ("savings_plan_1y", 1), ("reservation_3y", 0)])
def test_only_sizes_that_machines_may_get_are_counted_as_priced(scenario: str, priced: int) -> None:
    rankings = Rankings(Target.of(Offerings(SIZES).catalog(), Settings()))
    assert rankings.coverage(SCENARIO_NAMES.index(scenario)) == (priced, 3)
