"""`kill -9` of the web process in the middle of uploads, at random instants."""

import random
import time

import pytest

from tests.torture.fleet import uploading
from tests.torture.hub import Hub, times

pytestmark = pytest.mark.torture


def test_uploads_survive_the_web_process(hub: Hub, dice: random.Random) -> None:
    with uploading(hub) as fleet:
        for _ in range(times(3, 20)):
            fleet.wait_for("acknowledged", 4)
            time.sleep(dice.uniform(0, 0.3))
            hub.kill("web")
            fleet.must_be_whole()
            fleet.wait_for("lost", 1)
            hub.start_web()
