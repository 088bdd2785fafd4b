"""The kinds of machines in the generated estate, as tables: what they run, how big they are, how they are used."""

from dataclasses import dataclass
from typing import Literal

Profile = Literal["idle", "office_hours", "busy", "spiky", "nightly_batch", "off"]

# Names as vCenter spells them, with a weight.
WINDOWS_SERVERS = {
    "Microsoft Windows Server 2012 (64-bit)": 5,
    "Microsoft Windows Server 2016 (64-bit)": 9,
    "Microsoft Windows Server 2019 (64-bit)": 10,
    "Microsoft Windows Server 2022 (64-bit)": 6,
    "Microsoft Windows Server 2008 R2 (64-bit)": 2,
    "Microsoft Windows Server 2008 (32-bit)": 1,
    "Microsoft Windows Server 2003 (32-bit)": 1,
    "Microsoft Windows Server 2025 (64-bit)": 1,
}
LINUX_SERVERS = {
    "Red Hat Enterprise Linux 7 (64-bit)": 6,
    "Red Hat Enterprise Linux 8 (64-bit)": 7,
    "Red Hat Enterprise Linux 9 (64-bit)": 4,
    "Red Hat Enterprise Linux 6 (64-bit)": 1,
    "Ubuntu Linux (64-bit)": 7,
    "CentOS 7 (64-bit)": 4,
    "CentOS 4/5 or later (64-bit)": 1,
    "Debian GNU/Linux 11 (64-bit)": 3,
    "Debian GNU/Linux 8 (64-bit)": 1,
    "SUSE Linux Enterprise 12 (64-bit)": 2,
    "SUSE Linux Enterprise 15 (64-bit)": 2,
    "Oracle Linux 7 (64-bit)": 1,
    "Oracle Linux 8 (64-bit)": 1,
    "Amazon Linux 2 (64-bit)": 1,
}
DESKTOPS = {
    "Microsoft Windows 10 (64-bit)": 6,
    "Microsoft Windows 11 (64-bit)": 2,
    "Microsoft Windows 7 (32-bit)": 1,
    "Microsoft Windows XP Professional (32-bit)": 1,
}
ODD_ONES = {
    "Oracle Solaris 11 (64-bit)": 2,
    "Oracle Solaris 10 (32-bit)": 1,
    "FreeBSD 12 or later versions (64-bit)": 2,
    "FreeBSD (32-bit)": 1,
    "Other (32-bit)": 3,
    "Other (64-bit)": 2,
    "Other 3.x or later Linux (64-bit)": 2,
    "VMware Photon OS (64-bit)": 1,
    "Novell NetWare 6.x": 1,
    "Microsoft MS-DOS": 1,
    "Fedora (64-bit)": 1,
}


@dataclass(frozen=True)
class Kind:
    """Machines of one purpose. `profiles` are weighted; disk load is per disk at the peak of the profile."""

    names: tuple[str, ...]
    weight: int
    systems: dict[str, int]
    cores: tuple[int, ...]
    memory_gb_per_core: tuple[float, ...]
    disk_gb: tuple[tuple[float, ...], ...]
    profiles: dict[Profile, int]
    peak_iops: float = 200.0
    peak_mbps: float = 8.0
    nic_mbps: float = 3.0
    nics: tuple[int, ...] = (1,)


WEB = Kind(
    names=("web", "www", "shop", "büro-portal"),
    weight=20,
    systems=LINUX_SERVERS,
    cores=(2, 2, 4, 4, 8),
    memory_gb_per_core=(1, 2, 4),
    disk_gb=((40,), (60,), (40, 100)),
    profiles={"office_hours": 6, "idle": 4, "spiky": 2},
    nic_mbps=12.0,
    nics=(1, 1, 2),
)
APPLICATION = Kind(
    names=("app", "erp", "crm", "mes-läger"),
    weight=26,
    systems=WINDOWS_SERVERS,
    cores=(2, 4, 4, 8, 8, 16),
    memory_gb_per_core=(2, 4, 4, 8),
    disk_gb=((80,), (80, 200), (100, 250), (60, 60, 500)),
    profiles={"office_hours": 6, "idle": 5, "busy": 2, "spiky": 1},
    nics=(1, 1, 1, 2),
)
DATABASE = Kind(
    names=("sql", "ora", "pg", "数据库"),
    weight=12,
    systems=WINDOWS_SERVERS | {"Red Hat Enterprise Linux 8 (64-bit)": 8, "Oracle Linux 8 (64-bit)": 5},
    cores=(4, 8, 8, 16, 32),
    memory_gb_per_core=(8, 8, 16),
    disk_gb=((80, 300, 300), (80, 500, 100), (100, 1024, 1024, 200), (80, 200, 200, 200, 200, 100, 500, 50)),
    profiles={"office_hours": 4, "busy": 4, "nightly_batch": 2},
    peak_iops=2600.0,
    peak_mbps=70.0,
    nic_mbps=25.0,
    nics=(1, 2),
)
BATCH = Kind(
    names=("batch", "etl", "report"),
    weight=9,
    systems=LINUX_SERVERS | WINDOWS_SERVERS,
    cores=(4, 8, 16),
    memory_gb_per_core=(2, 4, 8),
    disk_gb=((60, 400), (100, 200)),
    profiles={"nightly_batch": 1},
    peak_iops=900.0,
    peak_mbps=90.0,
)
INFRASTRUCTURE = Kind(
    names=("dc", "dns", "wsus", "print", "lic"),
    weight=9,
    systems=WINDOWS_SERVERS,
    cores=(2, 2, 4),
    memory_gb_per_core=(2, 4),
    disk_gb=((60,), (60, 40)),
    profiles={"idle": 5, "office_hours": 1},
    peak_iops=60.0,
    peak_mbps=2.0,
)
FILE = Kind(
    names=("file", "nas", "archiv-süd"),
    weight=4,
    systems=WINDOWS_SERVERS,
    cores=(2, 4),
    memory_gb_per_core=(4,),
    disk_gb=((80, 4096), (80, 2048, 2048, 8192), (100, 16384, 16384)),
    profiles={"office_hours": 2, "nightly_batch": 1},
    peak_iops=700.0,
    peak_mbps=60.0,
    nic_mbps=40.0,
    nics=(2, 3),
)
BUILD = Kind(
    names=("ci", "build", "test"),
    weight=7,
    systems=LINUX_SERVERS,
    cores=(4, 8, 16),
    memory_gb_per_core=(2, 4),
    disk_gb=((120,), (60, 250)),
    profiles={"spiky": 5, "idle": 2},
    peak_iops=1200.0,
    peak_mbps=50.0,
)
DESKTOP = Kind(
    names=("desk", "vdi"),
    weight=6,
    systems=DESKTOPS,
    cores=(2, 4),
    memory_gb_per_core=(2, 4),
    disk_gb=((80,), (128,)),
    profiles={"office_hours": 4, "idle": 2},
)
ODD = Kind(
    names=("appl", "legacy", "mach", "пульт"),
    weight=5,
    systems=ODD_ONES,
    cores=(1, 1, 2),
    memory_gb_per_core=(0.25, 0.5, 1, 2),
    disk_gb=((8,), (20,), (4, 20)),
    profiles={"idle": 4, "busy": 1},
    peak_iops=30.0,
    peak_mbps=1.0,
)
BIG = Kind(
    names=("hana", "hpc", "sim"),
    weight=2,
    systems={"SUSE Linux Enterprise 15 (64-bit)": 2, "Red Hat Enterprise Linux 8 (64-bit)": 2},
    cores=(64, 96, 128),
    memory_gb_per_core=(8, 12, 16),
    disk_gb=((100, 2048, 2048, 4096), (100, 8192, 1024)),
    profiles={"busy": 2, "office_hours": 1, "nightly_batch": 1},
    peak_iops=7000.0,
    peak_mbps=220.0,
    nic_mbps=120.0,
    nics=(2, 3),
)
KINDS = (WEB, APPLICATION, DATABASE, BATCH, INFRASTRUCTURE, FILE, BUILD, DESKTOP, ODD, BIG)


@dataclass(frozen=True)
class OddCase:
    """A machine that every estate holds, because it shows a finding that the weights would rarely give."""

    name: str
    kind: Kind
    system: str
    boot_type: str = "bios"
    disk_gb: tuple[float, ...] = (60.0,)


ODD_CASES = (
    OddCase("backup-vault", FILE, "Microsoft Windows Server 2019 (64-bit)", disk_gb=(80.0, 70_000.0)),
    OddCase("old-erp-uefi", APPLICATION, "Microsoft Windows Server 2008 R2 (64-bit)", boot_type="uefi"),
    OddCase("warehouse-scale", ODD, "Other (32-bit)"),
    OddCase("hr-kiosk", DESKTOP, "Microsoft Windows XP Professional (32-bit)"),
)
