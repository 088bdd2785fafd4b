"""Readiness by operating system, boot type and counts; security readiness. Codes are the rule book's vectors."""

from dataclasses import replace

import pytest

from assessments.engine.assess import assess
from assessments.engine.guest_os import classify
from assessments.engine.issues import (
    DATA_ISSUES,
    DISK_DATA_ISSUES,
    DISK_FINDINGS,
    FINDINGS,
    NIC_DATA_ISSUES,
    READINESS,
    Issue,
)
from assessments.engine.recommendations import SECURITY_READINESS
from assessments.engine.rule_sets import AM_2019_07, AM_2020_09, AM_2025, RULE_SETS, RuleSet
from assessments.engine.settings import RuleSetName, Settings
from assessments.engine.target import Target
from tests.assessments.engine.estate import Disk, Machine, Nic, Offerings, Size, against, estate

# A catalog that carries anything, so that only the machine's own properties decide.
UNLIMITED = Offerings(
    [
        Size(
            "endless",
            vcpus=10**4,
            memory_mb=10**8,
            data_disks=100,
            nics=100,
            windows="1",
            disk_iops=10**9,
            disk_mbps=10**9,
        )
    ]
).catalog()
SERVER_2016 = "Windows Server 2016"


def judge(machine: Machine, rules: RuleSet = AM_2025, **settings: object) -> tuple[str, list[str]]:
    chosen = Settings(rule_set=rules.name, **settings)  # type: ignore[arg-type]
    answer = against(estate([machine]), Target(UNLIMITED, chosen, rules))
    return answer.readiness_of(0), [issue.azure_name for issue in answer.finding_list(0)]


CAVEAT = "WindowsServerVersionsSupportedWithCaveat"
CLIENT = "WindowsClientVersionsConditionallySupported"
NO_SUPPORT = "WindowsOSNoLongerUnderMSSupport"
CONDITIONAL_LINUX = "EndorsedWithConditionsLinuxDistributions"
UNENDORSED = "UnendorsedLinuxDistributions"
NO_SYSTEM = "NoGuestOperatingSystemConditionallySupported"
NO_SIZE = "NoSuitableVmSizeFound"
NO_BOOT = "BootTypeNotSupported"
UNKNOWN = "GuestOperatingSystemUnknown"
X86 = "GuestOperatingSystemArchitectureNotSupported"

# A19: the guest systems of 547 real machines, 2020-09.
OBSERVED_2020 = [
    ("Microsoft Windows Server 2016 (64-bit)", "bios", "ready", []),
    ("Microsoft Windows Server 2016 (64-bit)", "uefi", "ready", []),
    ("Microsoft Windows Server 2012 (64-bit)", "bios", "ready", []),
    ("Microsoft Windows Server 2008 R2 (64-bit)", "bios", "ready", []),
    ("Microsoft Windows Server 2008 (64-bit)", "bios", "ready", []),
    ("Microsoft Windows Server 2008 (32-bit)", "bios", "ready", []),
    ("Microsoft Windows Server 2003 (32-bit)", "bios", "ready_with_conditions", [CAVEAT]),
    ("Microsoft Windows 7 (32-bit)", "bios", "ready_with_conditions", [CLIENT]),
    ("Microsoft Windows 10 (64-bit)", "bios", "ready_with_conditions", [CLIENT]),
    ("Microsoft Windows XP Professional (32-bit)", "bios", "ready_with_conditions", [NO_SUPPORT]),
    ("Red Hat Enterprise Linux 7 (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("CentOS 6 (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("CentOS 4/5 or later (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("Ubuntu Linux (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("Debian GNU/Linux 8 (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("Oracle Linux 6 (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("SUSE Linux Enterprise 11 (64-bit)", "bios", "ready", []),
    ("SUSE Linux Enterprise 12 (64-bit)", "bios", "ready", []),
    ("Other (32-bit)", "bios", "unknown", [UNKNOWN]),
    ("Other 3.x or later Linux (64-bit)", "bios", "unknown", [UNKNOWN]),
]
# What a real assessment of 2023-08 said.
OBSERVED_2023 = [
    ("Microsoft Windows Server 2019 Datacenter", "uefi", "ready", []),
    ("Microsoft Windows Server 2016 or later (64-bit)", "bios", "ready", []),
    ("Microsoft Windows Server 2016 Standard Evaluation", "bios", "ready", []),
    ("Microsoft Windows Server 2012 R2 Datacenter", "bios", "ready", []),
    ("Microsoft Windows Server 2003 (64-bit)", "bios", "ready_with_conditions", [CAVEAT]),
    ("Ubuntu Linux (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("Red Hat Enterprise Linux 8 (64-bit)", "uefi", "ready", []),
    ("CentOS 7 (64-bit)", "bios", "ready", []),
    ("CentOS 8 (64-bit)", "bios", "ready", []),
    ("CentOS 9 (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("Oracle Linux 7 (64-bit)", "bios", "ready", []),
]
DOCUMENTED = [
    ("Microsoft Windows Server 2022 (64-bit)", "bios", "ready", []),
    ("Microsoft Windows Server 2025", "uefi", "ready", []),
    ("Microsoft Windows Server 2003 R2 (64-bit)", "bios", "ready_with_conditions", [CAVEAT]),
    ("Microsoft Windows Server 2000", "bios", "ready_with_conditions", [NO_SUPPORT]),
    ("Microsoft Windows Server 2031", "bios", "unknown", [UNKNOWN]),
    ("Microsoft Windows Server Threshold (64-bit)", "bios", "unknown", [UNKNOWN]),
    ("Microsoft Windows 11 (64-bit)", "bios", "ready_with_conditions", [CLIENT]),
    ("Microsoft Windows 8.1 (64-bit)", "bios", "ready_with_conditions", [CLIENT]),
    ("Microsoft Windows Vista", "bios", "ready_with_conditions", [NO_SUPPORT]),
    ("Microsoft MS-DOS", "bios", "ready_with_conditions", [NO_SUPPORT]),
    ("Ubuntu Linux 22.04 (64-bit)", "bios", "ready", []),
    ("Red Hat Enterprise Linux Server release 6.9 (Santiago)", "bios", "ready", []),
    ("Red Hat Enterprise Linux Server release 6.2", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("Red Hat Enterprise Linux 5 (64-bit)", "bios", "ready_with_conditions", [CONDITIONAL_LINUX]),
    ("Debian GNU/Linux 8.11", "bios", "ready", []),
    ("openSUSE Leap 15.4", "bios", "ready", []),
    ("openSUSE Tumbleweed", "bios", "ready_with_conditions", [UNENDORSED]),
    ("Amazon Linux 2 (64-bit)", "bios", "ready_with_conditions", [UNENDORSED]),
    ("Amazon Linux", "bios", "ready_with_conditions", [UNENDORSED]),
    ("Fedora 38", "bios", "ready_with_conditions", [UNENDORSED]),
    ("Oracle Solaris 11 (64-bit)", "bios", "ready_with_conditions", [NO_SYSTEM]),
    ("FreeBSD 12 (64-bit)", "bios", "ready_with_conditions", [NO_SYSTEM]),
    ("FreeBSD 12 (32-bit)", "bios", "ready_with_conditions", [X86, NO_SYSTEM]),
    ("Apple macOS 10.15 (64-bit)", "bios", "ready_with_conditions", [NO_SYSTEM]),
    ("TempleOS", "bios", "unknown", [UNKNOWN]),
    ("", "bios", "unknown", [UNKNOWN]),
    ("Debian GNU/Linux 11 (32-bit)", "bios", "ready_with_conditions", [X86]),  # F14
]
GUESTS = [
    *((AM_2020_09, *row) for row in OBSERVED_2020),
    *((AM_2025, *row) for row in OBSERVED_2023),
    *((AM_2025, *row) for row in DOCUMENTED),
]


@pytest.mark.parametrize("case", GUESTS, ids=[f"{case[0].name} {case[1]} {case[2]}" for case in GUESTS])
def test_guest_operating_systems(case: tuple[RuleSet, str, str, str, list[str]]) -> None:
    rules, name, boot, readiness, names = case
    assert judge(Machine(os=name, boot=boot), rules) == (readiness, names)


def test_the_32_bit_rule_can_be_read_the_strict_way() -> None:
    """F14: A24 says not ready."""
    strict = replace(AM_2025, x86="not_ready")
    assert judge(Machine(os="Debian GNU/Linux 11 (32-bit)"), strict) == ("not_ready", [X86])


BOOT: list[tuple[str, RuleSet, Machine, str, list[str]]] = [
    ("2019: UEFI is conditional", AM_2019_07, Machine(os=SERVER_2016, boot="uefi"), "ready_with_conditions", [NO_BOOT]),
    ("F02", AM_2020_09, Machine(os=SERVER_2016, boot="uefi"), "ready", []),
    ("F03", AM_2025, Machine(os="Windows Server 2008 R2", boot="uefi"), "not_ready", [NO_BOOT]),
    ("old but BIOS", AM_2025, Machine(os="Windows Server 2008 R2", boot="bios"), "ready", []),
    ("F05", AM_2020_09, Machine(os=SERVER_2016, boot="unknown"), "ready_with_conditions", ["BootTypeUnknown"]),
    ("F06", AM_2020_09, Machine(os=SERVER_2016, boot="unknown", imported=True), "ready", []),
]


@pytest.mark.parametrize("case", BOOT, ids=[case[0] for case in BOOT])
def test_boot_types(case: tuple[str, RuleSet, Machine, str, list[str]]) -> None:
    _, rules, machine, readiness, names = case
    assert judge(machine, rules) == (readiness, names)


AS_IS: dict[str, object] = {"sizing_criterion": "as_on_premises"}
NO_FACTOR: dict[str, object] = {"comfort_factor": 1}
COUNTS: list[tuple[str, RuleSet, Machine, dict[str, object], str, list[str]]] = [
    ("F08 200 cores", AM_2019_07, Machine(cores=200), AS_IS, "not_ready", [NO_SIZE]),
    ("F09 200 cores half used", AM_2019_07, Machine(cores=200, cpu=50), {}, "not_ready", [NO_SIZE]),
    ("200 cores hardly used", AM_2019_07, Machine(cores=200, cpu=10), {}, "ready", []),
    ("memory", AM_2025, Machine(memory_mb=3892 * 1024, memory=100, cpu=1), NO_FACTOR, "ready", []),
    ("more memory", AM_2025, Machine(memory_mb=3892 * 1024 + 1, memory=100, cpu=1), NO_FACTOR, "not_ready", [NO_SIZE]),
    ("F11 65 disks", AM_2025, Machine(disks=[Disk()] * 65), {}, "ready", []),
    ("F11 66 disks", AM_2025, Machine(disks=[Disk()] * 66), {}, "not_ready", ["MoreDisksThanSupported"]),
    ("F12 32 NICs", AM_2025, Machine(nics=[Nic()] * 32), {}, "ready", []),
    ("F12 33 NICs", AM_2025, Machine(nics=[Nic()] * 33), {}, "not_ready", ["OneOrMoreAdaptersNotSuitable"]),
]


@pytest.mark.parametrize("case", COUNTS, ids=[case[0] for case in COUNTS])
def test_documented_maxima(case: tuple[str, RuleSet, Machine, dict[str, object], str, list[str]]) -> None:
    _, rules, machine, settings, readiness, names = case
    assert judge(machine, rules, **settings) == (readiness, names)


def test_every_finding_is_reported_and_the_worst_decides() -> None:
    machine = Machine(os="Windows Server 2003", boot="uefi", disks=[Disk()] * 66, nics=[Nic()] * 33)
    readiness, names = judge(machine)
    assert readiness == "not_ready"
    assert names == ["BootTypeNotSupported", "MoreDisksThanSupported", "OneOrMoreAdaptersNotSuitable", CAVEAT]


def test_unknown_outranks_conditional() -> None:
    assert judge(Machine(os="Other", boot="unknown"))[0] == "unknown"
    assert READINESS.index("not_ready") > READINESS.index("unknown") > READINESS.index("ready_with_conditions")


def test_an_unknown_system_is_sized_and_priced_as_linux() -> None:
    """Rule book 4: machines of unknown readiness have sizes and costs and count in totals."""
    answer = assess(estate([Machine(os="Other (64-bit)")]), UNLIMITED, Settings(hybrid_benefit="none"))
    assert answer.chosen.monthly_compute_cost.number(0) == 744 * 10**8


@pytest.mark.parametrize("table", [FINDINGS, DATA_ISSUES, DISK_FINDINGS, DISK_DATA_ISSUES, NIC_DATA_ISSUES])
def test_every_issue_says_what_to_do_and_where_it_comes_from(table: tuple[Issue, ...]) -> None:
    assert all(issue.message and issue.remedy and issue.source for issue in table)
    assert len({issue.code for issue in table}) == len(table)


@pytest.mark.parametrize("rules", RULE_SETS)
def test_a_version_in_the_name_is_read_whole(rules: RuleSetName) -> None:
    assert classify("Ubuntu 18.04.3 LTS", RULE_SETS[rules]).version == (18, 4)


# ---- Defender for Servers ----
SECURITY = [
    (Machine(cores=2, memory_mb=1024, disks=[Disk(2)], os="Ubuntu 22.04"), "ready"),  # F15
    (Machine(cores=1, memory_mb=1024, disks=[Disk(2)], os="Ubuntu 22.04"), "ready_with_conditions"),
    (Machine(cores=2, memory_mb=1023, disks=[Disk(2)], os="Ubuntu 22.04"), "ready_with_conditions"),
    (Machine(cores=2, memory_mb=1024, disks=[Disk(1)], os="Ubuntu 22.04"), "ready_with_conditions"),
    (Machine(cores=2, memory_mb=1024, disks=[], os="Ubuntu 22.04"), "ready_with_conditions"),
    (Machine(cores=2, os="Ubuntu 24.04"), "ready_with_conditions"),
    (Machine(cores=2, os="Ubuntu Linux (64-bit)"), "ready_with_conditions"),
    (Machine(cores=2, os="Windows Server 2012 R2"), "ready"),
    (Machine(cores=2, os="Windows Server 2012"), "ready_with_conditions"),
    (Machine(cores=2, os="Windows Server 2022"), "ready"),
    (Machine(cores=2, os="Windows Server 2008 R2", boot="uefi"), "not_ready"),
    (Machine(cores=2, os="Red Hat Enterprise Linux 7.1"), "ready_with_conditions"),
    (Machine(cores=2, os="Red Hat Enterprise Linux 8 (64-bit)"), "ready"),
    (Machine(cores=2, os="Amazon Linux 2"), "ready"),
    (Machine(cores=2, os="Solaris 11"), "ready_with_conditions"),
]


@pytest.mark.parametrize("case", SECURITY, ids=[f"{case[0].os} {case[1]}" for case in SECURITY])
def test_security_readiness(case: tuple[Machine, str]) -> None:
    machine, expected = case
    answer = assess(estate([machine]), UNLIMITED, Settings())
    assert SECURITY_READINESS[int(answer.security[0])] == expected
