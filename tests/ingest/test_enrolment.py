"""How an appliance gets, rotates and loses its token."""

from datetime import timedelta

from django.utils import timezone

from migrate_hub.tenants.models import AuditEvent, Token, TokenKind
from migrate_hub.tenants.row_level_security import tenant_context
from tests import make
from tests.ingest import estates

HEARTBEAT = {"version": "1.0", "health": "ok", "errors": []}


def _code(response: object, status: int) -> str:
    return str(make.Api(None).ok(response, status)["code"])


def test_a_registration_key_is_exchanged_for_a_token_and_the_limits_of_uploads() -> None:
    people = estates.shared().alice
    made = estates.new_appliance(people, make.project(people))
    answer = people.ok(estates.register(made["registration_key"]), 201)
    assert answer["appliance"] == made["id"]
    assert answer["epoch"] == 1
    assert answer["upload"]["max_machines_performance"] == 10_000
    assert answer["upload"]["max_inflated_bytes"] == 64 * 1024 * 1024
    assert make.Api(answer["token"]).post("ingest/heartbeat/", HEARTBEAT).status_code == 200


def test_the_same_key_and_hostname_again_before_the_first_use_gives_a_fresh_token() -> None:
    people = estates.shared().alice
    key = estates.new_appliance(people, make.project(people))["registration_key"]
    lost = people.ok(estates.register(key), 201)
    again = people.ok(estates.register(key), 201)
    assert again["token"] != lost["token"]
    assert again["epoch"] == 2
    assert make.Api(again["token"]).post("ingest/heartbeat/", HEARTBEAT).status_code == 200
    assert _code(make.Api(lost["token"]).post("ingest/heartbeat/", HEARTBEAT), 401) == "token_revoked"


def test_a_key_is_used_up_once_its_token_was_used() -> None:
    people = estates.shared().alice
    key = estates.new_appliance(people, make.project(people))["registration_key"]
    token = people.ok(estates.register(key), 201)["token"]
    make.Api(token).post("ingest/heartbeat/", HEARTBEAT)
    assert _code(estates.register(key), 403) == "registration_key_used"


def test_another_hostname_cannot_use_a_key_again() -> None:
    people = estates.shared().alice
    key = estates.new_appliance(people, make.project(people))["registration_key"]
    estates.register(key, "collector-1")
    assert _code(estates.register(key, "mallory"), 403) == "registration_key_used"


def test_an_expired_or_unknown_key_enrols_nobody() -> None:
    people = estates.shared().alice
    made = estates.new_appliance(people, make.project(people))
    Token.objects.filter(appliance_id=made["id"], kind=TokenKind.REGISTRATION).update(
        expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert _code(estates.register(made["registration_key"]), 403) == "registration_key_expired"
    assert _code(estates.register("srvk_nonsense"), 403) == "registration_key_unknown"
    assert _code(estates.register(made["registration_key"][:-1] + "x"), 403) == "registration_key_unknown"


def test_a_new_key_replaces_the_unused_one_before() -> None:
    people = estates.shared().alice
    project = make.project(people)
    made = estates.new_appliance(people, project)
    path = f"projects/{project}/appliances/{made['id']}/registration-key/"
    newer = people.ok(people.post(path), 201)["registration_key"]
    assert _code(estates.register(made["registration_key"]), 403) == "registration_key_revoked"
    assert estates.register(newer).status_code == 201


def test_old_tokens_die_when_the_token_of_a_new_enrolment_is_first_used() -> None:
    people = estates.shared().alice
    site = estates.appliance(people)
    site.inventory(estates.machine())
    key = people.ok(people.post(f"projects/{site.project}/appliances/{site.id}/registration-key/"), 201)
    enrolled = people.ok(estates.register(key["registration_key"], "collector-2"), 201)
    assert enrolled["epoch"] == 2
    assert site.post("ingest/heartbeat/", HEARTBEAT).status_code == 200
    assert make.Api(enrolled["token"]).post("ingest/heartbeat/", HEARTBEAT).status_code == 200
    assert _code(site.post("ingest/heartbeat/", HEARTBEAT), 401) == "token_revoked"


def test_rotation_keeps_the_old_token_until_the_new_one_is_first_used() -> None:
    site = estates.appliance()
    rotated = site.ok(site.post("appliances/token/"), 201)
    assert site.post("ingest/heartbeat/", HEARTBEAT).status_code == 200
    newer = make.Api(rotated["token"])
    assert newer.post("ingest/heartbeat/", HEARTBEAT).status_code == 200
    assert _code(site.post("ingest/heartbeat/", HEARTBEAT), 401) == "token_revoked"
    assert newer.post("ingest/heartbeat/", HEARTBEAT).status_code == 200


def test_a_rotated_token_lives_on_until_the_token_of_a_new_enrolment_is_used() -> None:
    people = estates.shared().alice
    site = estates.appliance(people)
    site.post("ingest/heartbeat/", HEARTBEAT)
    rotated = site.ok(site.post("appliances/token/"), 201)["token"]
    key = people.ok(people.post(f"projects/{site.project}/appliances/{site.id}/registration-key/"), 201)
    people.ok(estates.register(key["registration_key"]), 201)
    assert make.Api(rotated).post("ingest/heartbeat/", HEARTBEAT).status_code == 200


def test_rotating_again_and_again_leaves_one_unused_token() -> None:
    site = estates.appliance()
    tokens = [site.ok(site.post("appliances/token/"), 201)["token"] for _ in range(3)]
    assert _code(make.Api(tokens[0]).post("ingest/heartbeat/", HEARTBEAT), 401) == "token_revoked"
    assert make.Api(tokens[2]).post("ingest/heartbeat/", HEARTBEAT).status_code == 200


def test_an_expired_token_is_refused() -> None:
    site = estates.appliance()
    Token.objects.filter(appliance_id=site.id, kind=TokenKind.APPLIANCE).update(expires_at=timezone.now())
    assert _code(site.post("ingest/heartbeat/", HEARTBEAT), 401) == "token_expired"


def test_a_person_can_shut_an_appliance_out_at_once() -> None:
    cast = estates.shared()
    site = estates.appliance(cast.alice)
    site.post("ingest/heartbeat/", HEARTBEAT)
    path = f"projects/{site.project}/appliances/{site.id}/revoke-tokens/"
    assert cast.bob.ok(cast.bob.post(path)) == {"revoked": 2}
    assert _code(site.post("ingest/heartbeat/", HEARTBEAT), 401) == "token_revoked"


def test_people_and_appliances_cannot_use_each_others_tokens() -> None:
    cast = estates.shared()
    site = estates.appliance(cast.alice)
    assert cast.alice.post("ingest/heartbeat/", HEARTBEAT).status_code == 401
    assert site.get(f"projects/{site.project}/machines/").status_code == 401
    assert make.Api(None).post("ingest/heartbeat/", HEARTBEAT).status_code == 401


def test_the_appliance_of_a_deleted_project_is_turned_away() -> None:
    cast = estates.shared()
    site = estates.appliance(cast.alice)
    cast.alice.ok(cast.alice.delete(f"projects/{site.project}/"), 204)
    assert _code(site.post("ingest/heartbeat/", HEARTBEAT), 401) == "appliance_gone"


def test_readers_list_appliances_and_contributors_make_them() -> None:
    cast = estates.shared()
    project = make.project(cast.alice)
    path = f"projects/{project}/appliances/"
    assert cast.rita.post(path, {"name": "a", "kind": "vmware"}).status_code == 403
    assert cast.bob.post(path, {"name": "a", "kind": "vmware"}).status_code == 201
    assert _code(cast.bob.post(path, {"name": "a", "kind": "vmware"}), 409) == "name_taken"
    assert cast.bob.post(path, {"name": "b", "kind": "mainframe"}).status_code == 400
    (listed,) = cast.rita.ok(cast.rita.get(path))["results"]
    assert (listed["name"], listed["health"], listed["machine_count"]) == ("a", "never_registered", 0)


def test_charlie_finds_nothing_of_another_tenants_appliances() -> None:
    charlie, site = make.stranger(), estates.appliance()
    below = f"projects/{site.project}/appliances/"
    assert charlie.get(below).status_code == 404
    for action in ("registration-key/", "revoke-tokens/", "confirm-snapshot/"):
        assert charlie.post(f"{below}{site.id}/{action}").status_code == 404
    own = make.project(charlie)
    assert charlie.get(f"projects/{own}/appliances/{site.id}/rejected/").status_code == 404


def test_a_heartbeat_is_seen_by_people() -> None:
    people = estates.shared().alice
    site = estates.appliance(people)
    errors = ["vcenter-2 is away", {"code": "disk_full", "message": "spool at\0 95 %"}]
    site.ok(site.post("ingest/heartbeat/", {"version": "2.1", "health": "degraded", "errors": errors}))
    site.inventory(estates.machine("vm-1"), estates.machine("vm-2"))
    shown = people.ok(people.get(f"projects/{site.project}/appliances/{site.id}/"))
    assert (shown["version"], shown["health"], shown["machine_count"]) == ("2.1", "failing", 2)
    assert shown["errors"][1]["message"] == "spool at\N{REPLACEMENT CHARACTER} 95 %"
    assert shown["last_upload_at"] is not None


def test_the_skew_of_an_appliances_clock_is_shown() -> None:
    people = estates.shared().alice
    site = estates.appliance(people)
    site.inventory(estates.machine())
    site.performance(estates.points(), sent_at=(timezone.now() - timedelta(seconds=90)).isoformat())
    shown = people.ok(people.get(f"projects/{site.project}/appliances/{site.id}/"))
    assert 85 < shown["clock_skew_seconds"] < 120


def test_an_appliance_that_is_not_heard_is_silent() -> None:
    from ingest.models import Appliance

    cast = estates.shared()
    site = estates.appliance(cast.alice)
    with tenant_context(cast.tenant.id):
        Appliance.objects.filter(id=site.id).update(last_seen_at=timezone.now() - timedelta(hours=4))
    shown = cast.alice.ok(cast.alice.get(f"projects/{site.project}/appliances/{site.id}/"))
    assert shown["health"] == "silent"


def test_enrolment_is_in_the_audit_trail() -> None:
    cast = estates.shared()
    site = estates.appliance(cast.alice)
    with tenant_context(cast.tenant.id):
        events = list(AuditEvent.objects.filter(object_id=site.id).order_by("at").values_list("action", "appliance_id"))
    told = [(action, by and str(by)) for action, by in events]
    assert told == [("appliance.create", None), ("appliance.register", str(site.id))]
