"""Several appliances that send at once while a test breaks the hub under them, and the proof at the end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.conftest import wait_until
from tests.torture.hub import Hub
from tests.torture.proof import must_be_complete, must_be_whole
from tests.torture.site import Site, Upload

SITES, MACHINES = 4, 40
DRAIN_SECONDS = 120


class Fleet:
    """Each appliance in a thread of its own: makes a batch, delivers it, now and then repeats one."""

    def __init__(self, hub: Hub, *, sites: int = SITES, machines: int = MACHINES) -> None:
        self.hub = hub
        self.sites = [Site(hub, number, machines=machines) for number in range(sites)]
        self.is_stopping = threading.Event()
        self.errors: list[BaseException] = []
        self.threads = [threading.Thread(target=self._run, args=(site,), daemon=True) for site in self.sites]

    def _run(self, site: Site) -> None:
        try:
            self._deliver(site, site.inventory(snapshot=True))
            while not self.is_stopping.is_set():
                self._deliver(site, site.inventory() if site.dice.random() < 0.2 else site.performance())
                if site.dice.random() < 0.1:
                    self._deliver(site, site.made[site.dice.choice(list(site.made))])
        except BaseException as error:
            self.errors.append(error)

    def _deliver(self, site: Site, upload: Upload) -> None:
        site.deliver(upload, give_up=lambda: bool(self.errors))

    def count(self, outcome: str) -> int:
        if self.errors:
            raise self.errors[0]
        return sum(site.outcomes[outcome] for site in self.sites)

    def wait_for(self, outcome: str, more: int, seconds: float = 60) -> None:
        """Waits until `more` uploads had this outcome."""
        wanted = self.count(outcome) + more
        wait_until(lambda: self.count(outcome) >= wanted, seconds=seconds, what=f"{more} uploads {outcome}")

    def must_be_whole(self) -> None:
        """Every upload is there wholly or not at all, and what was acknowledged is there."""
        must_be_whole(self.hub, self.sites)

    def deliver_all(self) -> None:
        """Stops making batches and lets each appliance deliver what it holds."""
        self.is_stopping.set()
        for thread in self.threads:
            thread.join(DRAIN_SECONDS)
        assert not self.errors, self.errors[0]
        assert not any(thread.is_alive() for thread in self.threads), "uploads are still not acknowledged"
        assert all(site.made.keys() == site.acknowledged.keys() for site in self.sites)


@contextmanager
def uploading(hub: Hub, *, sites: int = SITES, machines: int = MACHINES) -> Iterator[Fleet]:
    """A fleet that uploads while the test goes on; what it sent is proved at the end, unless the test failed before."""
    fleet = Fleet(hub, sites=sites, machines=machines)
    for thread in fleet.threads:
        thread.start()
    try:
        fleet.wait_for("acknowledged", 2 * sites)
        yield fleet
        fleet.deliver_all()
        must_be_complete(hub, fleet.sites)
    finally:
        fleet.is_stopping.set()
        fleet.errors.append(AssertionError("the test is over"))
