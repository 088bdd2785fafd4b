"""Installations that are broken for real: each scenario has its own PostgreSQL, Redis, web process and worker.

`make torture` runs the long form, `make torture SHORT=1` the one that CI runs.
"""

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.recovery.installation import Installation
from tests.torture.hub import Hub, Prepared, running_hub


@pytest.fixture(scope="session")
def prepared() -> Iterator[Prepared]:
    """A stopped installation with a catalog, a tenant and its owner's token, which each scenario copies."""
    made = Installation()
    with ExitStack() as stack:
        stack.callback(made.stop)
        made.postgres.start()
        made.manage("migrate", "--database", "owner", "--verbosity", "0")
        made.manage("load_catalog")
        answer = json.loads(made.manage("create_tenant", "torture", "--owner-email", "o@example.com", "--json"))
        made.postgres.stop()
        yield Prepared(made.folder, answer["access_token"])


@pytest.fixture
def hub(prepared: Prepared) -> Iterator[Hub]:
    with running_hub(prepared) as started:
        yield started


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Random instants; the seed is printed with a failure, the operating system adds its own."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"{request.node.name}: seed {seed}")
    return random.Random(seed)
