"""The demo's notes survive, stay private, and are not trusted when they are damaged."""

from datetime import UTC, datetime
from pathlib import Path

from migrate_hub.local.demo.state import SiteState, StateFile, TenantState

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_what_was_saved_is_read_again(tmp_path: Path) -> None:
    notes = StateFile(tmp_path / "demo" / "state.json")
    notes.state.tenants["Nordwind"] = TenantState(tenant="Nordwind", access_token="secret")
    notes.state.sites["generated-500-0"] = SiteState(ends_at=NOW, project="p", steps=10, steps_done=4, refused={"x": 2})
    notes.save()
    assert StateFile(notes.path).state == notes.state
    assert notes.path.stat().st_mode & 0o777 == 0o600


def test_damaged_notes_are_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"tenants": {"No')
    assert StateFile(path).state.tenants == {}


def test_an_upload_is_complete_only_when_every_step_was_acknowledged() -> None:
    assert not SiteState(ends_at=NOW).is_uploaded
    assert not SiteState(ends_at=NOW, steps=10, steps_done=9).is_uploaded
    assert SiteState(ends_at=NOW, steps=10, steps_done=10).is_uploaded
