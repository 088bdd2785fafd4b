"""What the name of a guest operating system says: readiness finding, license, age. The table is dated data.

ED18 = azure-docs endorsed-distros.md of 2018-10, ED23 = the same of 2023-08, EXP20 = sample exports of 2020-09. A real
performance-based assessment of 2023-08 adds that a major version alone was precise enough for RHEL 8, CentOS 7 and 8,
and Oracle Linux 7 by then (and was not for CentOS 9).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from assessments.engine.rule_sets import RuleSet

Licence = Literal["none", "windows", "rhel", "sles"]
LICENCES: tuple[Licence, ...] = ("none", "windows", "rhel", "sles")


@dataclass(frozen=True, slots=True)
class GuestOs:
    """A classified operating system. `kind` is a key of the tables below, or "other" and "unknown"."""

    kind: str
    version: tuple[int, int | None] | None
    licence: Licence
    findings: tuple[str, ...]
    is_old_windows_server: bool


@dataclass(frozen=True, slots=True)
class Distribution:
    """An endorsed Linux distribution: majors endorsed as such, and majors that need at least this minor version."""

    pattern: str
    majors: frozenset[int]
    minors: Mapping[int, int]
    licence: Licence = "none"


_RHEL = r"red hat enterprise linux|\brhel"
_SLES = r"suse linux enterprise|\bsles"
_OPENSUSE = r"opensuse leap"

# First match wins. Ubuntu names a release by year and month, so each year counts as a major version.
DISTRIBUTIONS: Mapping[str, Mapping[str, Distribution]] = {
    "2018-10": {
        "rhel": Distribution(_RHEL, frozenset(), {6: 7, 7: 1}, "rhel"),
        "centos": Distribution("centos", frozenset(), {6: 3, 7: 0}),
        "oracle_linux": Distribution("oracle linux", frozenset(), {6: 4, 7: 0}),
        "debian": Distribution("debian", frozenset(), {7: 9, 8: 2}),
        "ubuntu": Distribution("ubuntu", frozenset(), dict.fromkeys(range(12, 30), 0)),
        "sles": Distribution(_SLES, frozenset({11, 12, 15}), {}, "sles"),  # EXP20: ready without a service pack
        "opensuse": Distribution(_OPENSUSE, frozenset(), {42: 2}),
        "coreos": Distribution("coreos", frozenset(range(495, 10_000)), {494: 4}),
    },
    "2023-08": {
        "rhel": Distribution(_RHEL, frozenset({7, 8, 9, 10}), {6: 7}, "rhel"),
        "centos": Distribution("centos", frozenset({7, 8}), {6: 3}),
        "oracle_linux": Distribution("oracle linux", frozenset({7, 8, 9}), {6: 4}),
        "debian": Distribution("debian", frozenset({9, 10, 11, 12}), {7: 9, 8: 2}),
        "ubuntu": Distribution("ubuntu", frozenset(), dict.fromkeys(range(12, 30), 0)),
        "sles": Distribution(_SLES, frozenset({11, 12, 15}), {}, "sles"),
        "opensuse": Distribution(_OPENSUSE, frozenset({15}), {42: 2}),
        "flatcar": Distribution("flatcar", frozenset(range(2000, 10_000)), {}),
    },
}

OLD_WINDOWS_SERVERS = frozenset({2003, 2008})  # with and without R2
SUITABLE_WINDOWS_SERVERS = frozenset({2008, 2012, 2016, 2019, 2022, 2025})

_WINDOWS_SERVER = re.compile(r"windows server,? (20\d\d)(?: ?(r2))?")
_WINDOWS_CLIENT = re.compile(r"windows (7|8|10|11)\b")
_UNSUPPORTED_WINDOWS = re.compile(r"windows (2000|98|95|nt|3\.1|vista|xp)\b|ms-dos")
_OTHER_SYSTEM = re.compile(
    r"solaris|mac ?os|os x|darwin|bsd|\baix\b|hp-ux|netware|openserver|unixware|\bsco\b|os/2|ecomstation|esxi?\b"
)
_VERSION = r"[^\d(]*(\d+)(?:\.(\d+))?"
_32_BIT = re.compile(r"32-bit|\bx86\b(?!.64)|\bi[36]86\b")


def classify(name: str, rules: RuleSet) -> GuestOs:
    """Classify the name of an operating system as the source reports it, e.g. "Microsoft Windows 7 (32-bit)"."""
    text = name.lower()
    if text.strip().startswith("other"):
        return _guest("unknown", None, ("guest_operating_system_unknown",))
    windows = _windows(text)
    if windows is not None:
        return windows
    return _with_architecture(text, _linux(text, rules) or _anything_else(text))


def _guest(
    kind: str,
    version: tuple[int, int | None] | None = None,
    findings: tuple[str, ...] = (),
    licence: Licence = "none",
) -> GuestOs:
    return GuestOs(kind, version, licence, findings, is_old_windows_server=False)


def _windows(text: str) -> GuestOs | None:
    """Windows and MS-DOS. These rules outrank the one about 32-bit systems (EXP20)."""
    if server := _WINDOWS_SERVER.search(text):
        return _windows_server(int(server[1]), 2 if server[2] else 0)
    if client := _WINDOWS_CLIENT.search(text):
        finding = ("windows_client_versions_conditionally_supported",)
        return _guest("windows_client", (int(client[1]), None), finding, "windows")
    licence: Licence = "windows" if "windows" in text else "none"
    if _UNSUPPORTED_WINDOWS.search(text):
        return _guest("windows_unsupported", None, ("windows_os_no_longer_under_ms_support",), licence)
    return _guest("unknown", None, ("guest_operating_system_unknown",), licence) if licence == "windows" else None


def _windows_server(year: int, release: int) -> GuestOs:
    if year == 2003:
        findings: tuple[str, ...] = ("windows_server_versions_supported_with_caveat",)
    elif year == 2000:
        findings = ("windows_os_no_longer_under_ms_support",)
    else:
        findings = () if year in SUITABLE_WINDOWS_SERVERS else ("guest_operating_system_unknown",)
    return GuestOs("windows_server", (year, release), "windows", findings, year in OLD_WINDOWS_SERVERS)


def _linux(text: str, rules: RuleSet) -> GuestOs | None:
    for kind, distribution in DISTRIBUTIONS[rules.guest_os_table].items():
        found = re.search(f"(?:{distribution.pattern})(?:{_VERSION})?", text)
        if found:
            version = (int(found[1]), None if found[2] is None else int(found[2])) if found[1] else None
            conditional = () if _endorsed(distribution, version) else ("endorsed_with_conditions_linux_distributions",)
            return _guest(kind, version, conditional, distribution.licence)
    if amazon := re.search(f"amazon linux(?:{_VERSION})?", text):
        version = (int(amazon[1]), None) if amazon[1] else None
        return _guest("amazon_linux", version, ("unendorsed_linux_distributions",))
    return None


def _endorsed(distribution: Distribution, version: tuple[int, int | None] | None) -> bool:
    if version is None:
        return False
    major, minor = version
    if major in distribution.majors:
        return True
    return minor is not None and major in distribution.minors and minor >= distribution.minors[major]


_OTHER_LINUX = re.compile(r"linux|fedora|gentoo|mandrake|mandriva|suse|coreos|photon|asianux|ubuntu")


def _anything_else(text: str) -> GuestOs:
    if _OTHER_SYSTEM.search(text):
        return _guest("other", None, ("no_guest_operating_system_conditionally_supported",))
    if _OTHER_LINUX.search(text):
        return _guest("other_linux", None, ("unendorsed_linux_distributions",))
    return _guest("unknown", None, ("guest_operating_system_unknown",))


def _with_architecture(text: str, guest: GuestOs) -> GuestOs:
    """The generic 32-bit rule, for what no Windows rule has decided."""
    if guest.kind == "unknown" or not _32_BIT.search(text):
        return guest
    findings = ("guest_operating_system_architecture_not_supported", *guest.findings)
    return GuestOs(guest.kind, guest.version, guest.licence, findings, guest.is_old_windows_server)
