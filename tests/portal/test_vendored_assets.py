"""What the browser loads of others' work: pinned, committed as it was published, and allowed by the strict policy."""

import hashlib
import json
import re
from pathlib import Path

from django.test import Client

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "migrate_hub" / "portal" / "static" / "portal" / "vendor"


def versions() -> dict[str, tuple[str, str, str]]:
    """File -> package, version, sha256, as VERSIONS names them."""
    lines = (VENDOR / "VERSIONS").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {name: (package, version, digest) for name, package, version, digest in rows}


def locked() -> dict[str, str]:
    """Package -> version of the lock file, without the root."""
    packages = json.loads((ROOT / "assets" / "package-lock.json").read_text())["packages"]
    return {path.removeprefix("node_modules/"): each["version"] for path, each in packages.items() if path}


def test_every_vendored_file_is_listed_with_its_hash() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir() if path.name != "VERSIONS"
    }
    assert found == {name: digest for name, (_, _, digest) in versions().items()}
    assert {"htmx.min.js", "uPlot.iife.min.js", "uPlot.min.css", "htmx.LICENSE", "uPlot.LICENSE"} <= set(found)


def test_the_versions_are_those_of_the_lock_and_exact() -> None:
    assert {package: version for package, version, _ in versions().values()} == locked()
    assert json.loads((ROOT / "assets" / "package.json").read_text())["dependencies"] == locked()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in locked().values())


def test_the_vendored_files_say_the_version_that_is_listed() -> None:
    package_version = {package: version for package, version, _ in versions().values()}
    assert f'version:"{package_version["htmx.org"]}"' in (VENDOR / "htmx.min.js").read_text()
    assert f"(v{package_version['uplot']})" in (VENDOR / "uPlot.iife.min.js").read_text()


def test_the_lock_names_no_host() -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        assert "://" not in (ROOT / "assets" / name).read_text(), name


def test_every_page_loads_htmx_with_what_the_policy_forbids_turned_off(client: Client) -> None:
    body = client.get("/sign-in/").content.decode()

    config = json.loads(re.search(r"<meta name=\"htmx-config\" content='([^']+)'", body)[1])  # type: ignore[index]
    assert "portal/vendor/htmx.min.js" in body
    assert (config["allowEval"], config["allowScriptTags"], config["includeIndicatorStyles"]) == (False, False, False)
    assert config["historyCacheSize"] == 0  # what a tenant's page shows is kept in no storage of the browser
    assert "'unsafe" not in client.get("/sign-in/")["Content-Security-Policy"]
