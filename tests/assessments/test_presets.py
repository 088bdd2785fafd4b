"""Presets over the API: the wizard's own, and settings that can be sent as they came."""

import pytest

from assessments.presets import PRESETS
from tests import make
from tests.estate import enrolled, group_of_all, machine
from tests.portal.browsing import sign_in

pytestmark = pytest.mark.usefixtures("catalog", "background")


def test_the_api_offers_every_reader_the_presets_of_the_wizard() -> None:
    cast = make.cast()
    offered = cast.rita.ok(cast.rita.get("assessment-presets/"))["results"]
    project, _ = enrolled(cast.bob, [machine("one")])
    group_of_all(cast.bob, project)
    page = sign_in(cast, "bob").see("portal:new-assessment", project)
    assert [preset["name"] for preset in offered] == [preset.name for preset in PRESETS]
    assert all(preset["title"] in page and preset["sentence"] in page for preset in offered)


def test_the_settings_of_each_preset_are_assessed_as_they_came() -> None:
    bob = make.cast().bob
    project, _ = enrolled(bob, [machine("one")])
    path = f"projects/{project}/groups/{group_of_all(bob, project)}/assessments/"
    for preset in bob.ok(bob.get("assessment-presets/"))["results"]:
        made = bob.ok(bob.post(path, {"name": preset["title"], "settings": preset["settings"]}), 202)
        kept = {name: made["settings"][name] for name in preset["settings"]}
        assert {**kept, "comfort_factor": float(kept["comfort_factor"])} == preset["settings"]
