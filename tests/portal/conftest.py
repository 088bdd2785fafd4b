"""What the portal's tests look at: one estate with everything in it, finished, and the browsers of its people."""

from dataclasses import dataclass

import pytest

from tests.estate import Estate, whole_estate
from tests.portal.browsing import Browser, sign_in


@dataclass
class Site:
    """An estate, and the browsers of alice (owner), bob (contributor) and rita (reader)."""

    estate: Estate
    alice: Browser
    bob: Browser
    rita: Browser

    def ids(self, *names: str) -> list[str]:
        """Ids of the estate by the names of the URLs' parts."""
        return [self.estate.ids[name] for name in names]


@pytest.fixture(scope="session")
def site(background: None) -> Site:
    """Read-only for tests: what they change they make themselves."""
    from django.core.management import call_command

    call_command("load_catalog", verbosity=0)
    estate = whole_estate()
    people = {name: sign_in(estate.cast, name) for name in ("alice", "bob", "rita")}
    return Site(estate=estate, **people)
