"""Copies what `npm ci` installed into the portal's static files, with its licences and a list of what came from where.

Run by `make assets`; standard library only. The copies are committed, so nothing else ever needs npm.
"""

import hashlib
import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "assets"
VENDOR = ROOT / "migrate_hub" / "portal" / "static" / "portal" / "vendor"
# Package -> file of the package -> name under vendor/.
FILES = {
    "htmx.org": {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"},
    "uplot": {
        "dist/uPlot.iife.min.js": "uPlot.iife.min.js",
        "dist/uPlot.min.css": "uPlot.min.css",
        "LICENSE": "uPlot.LICENSE",
    },
}


def locked_version(package: str) -> str:
    lock = json.loads((ASSETS / "package-lock.json").read_text())
    version: str = lock["packages"][f"node_modules/{package}"]["version"]
    return version


def copied(package: str) -> list[str]:
    """Copies the package's files; one line of VERSIONS for each."""
    version, lines = locked_version(package), []
    for source, name in FILES[package].items():
        shutil.copyfile(ASSETS / "node_modules" / package / source, VENDOR / name)
        lines.append(f"{name} {package} {version} {hashlib.sha256((VENDOR / name).read_bytes()).hexdigest()}")
    return lines


def main() -> None:
    VENDOR.mkdir(parents=True, exist_ok=True)
    lines = [
        "# file package version sha256; written by `make assets`",
        *(line for name in FILES for line in copied(name)),
    ]
    (VENDOR / "VERSIONS").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
