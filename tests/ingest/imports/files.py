"""Files to import, made here: RVTools workbooks in both dialects with their traps, and Azure Migrate's template."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook

from tests import make
from tests.conftest import wait_until

ENDED = {"completed", "failed", "cancelled", "undone"}
AZURE_HEADINGS = (
    "*Server name,IP addresses,*Cores,*Memory (In MB),*OS name,OS version,OS architecture,Server type,Hypervisor,"
    "CPU utilization percentage,Memory utilization percentage,Network adapters,Network In throughput,"
    "Network Out throughput,Boot type,Number of disks,Storage in use (In GB),Disk 1 size (In GB),"
    "Disk 1 read throughput (MB per second),Disk 1 write throughput (MB per second),"
    "Disk 1 read ops (operations per second),Disk 1 write ops (operations per second),Disk 2 size (In GB),"
    "Disk 2 read throughput (MB per second),Disk 2 write throughput (MB per second),"
    "Disk 2 read ops (operations per second),Disk 2 write ops (operations per second)"
)


def uuid(number: int, kind: int = 5) -> str:
    """A UUID as RVTools writes it; `kind` 5 for instance UUIDs, 4 for those of the BIOS."""
    return f"{kind:x}0{number:06x}-1111-2222-3333-444455556666"


def info(number: int, **changes: Any) -> dict[str, Any]:
    """A row of vInfo as 4.x writes it."""
    return {
        "VM": f"vm-{number}",
        "Powerstate": "poweredOn",
        "Template": "False",
        "SRM Placeholder": "False",
        "CPUs": 4,
        "Memory": 8192,
        "NICs": 1,
        "Disks": 2,
        "Total disk capacity MiB": 307200,
        "Primary IP Address": f"10.0.0.{number % 250 + 1}",
        "Folder": "/Prod",
        "Provisioned MiB": 320000,
        "In Use MiB": 100000,
        "Firmware": "efi",
        "Datacenter": "DC1",
        "Cluster": "Cluster-A",
        "Host": "esx-01",
        "OS according to the configuration file": "Microsoft Windows Server 2016 (64-bit)",
        "OS according to the VMware Tools": "Microsoft Windows Server 2019 (64-bit)",
        "VM ID": f"vm-{1000 + number}",
        "SMBIOS UUID": uuid(number, 4),
        "VM UUID": uuid(number),
        "VI SDK UUID": uuid(1, 9),
    } | changes


def disk(number: int, unit: int, **changes: Any) -> dict[str, Any]:
    """A row of vDisk."""
    return {
        "VM": f"vm-{number}",
        "Template": "False",
        "SRM Placeholder": "False",
        "Disk": f"Hard disk {unit + 1}",
        "Disk Key": str(2000 + unit),
        "Capacity MiB": 102400 * (unit + 1),
        "Controller": "VMware paravirtual SCSI",
        "Label": "SCSI controller 0",
        "Unit #": unit,
        "VM ID": f"vm-{1000 + number}",
        "VM UUID": uuid(number),
    } | changes


def nic(number: int, **changes: Any) -> dict[str, Any]:
    """A row of vNetwork."""
    return {
        "VM": f"vm-{number}",
        "NIC label": "Network adapter 1",
        "Network": "VM Network",
        "Mac Address": f"00:50:56:82:{number // 256:02x}:{number % 256:02x}",
        "IPv4 Address": f"10.0.{number // 250}.{number % 250 + 1}",
        "VM ID": f"vm-{1000 + number}",
        "VM UUID": uuid(number),
    } | changes


def host(name: str = "esx-01", model: str = "Intel(R) Xeon(R) Gold 5218") -> dict[str, Any]:
    return {"Host": name, "CPU Model": model, "Speed": 2300, "# CPU": 2, "Cores per CPU": 16}


Rows = Sequence[Mapping[str, Any] | None]


def workbook(**sheets: Rows) -> bytes:
    """An xlsx with these sheets; headings are those of any row, None is a blank row that the file contains."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        headings = list(dict.fromkeys(heading for row in rows if row for heading in row))
        sheet.append(headings)
        for row in rows:
            sheet.append([row.get(heading) for heading in headings] if row else [""] * len(headings))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rvtools(machines: int = 2, **sheets: Rows) -> bytes:
    """A 4.x export of machines with two disks and one NIC each; sheets given replace those."""
    numbers = range(1, machines + 1)
    return workbook(
        **{
            "vInfo": [info(number) for number in numbers],
            "vDisk": [disk(number, unit) for number in numbers for unit in range(2)],
            "vNetwork": [nic(number) for number in numbers],
            "vHost": [host()],
        }
        | sheets
    )


def without(row: Mapping[str, Any], *headings: str) -> dict[str, Any]:
    return {heading: value for heading, value in row.items() if heading not in headings}


def azure(*rows: str, headings: str = AZURE_HEADINGS) -> bytes:
    """The template with these rows."""
    return "\r\n".join([headings, *rows, ""]).encode()


def server(name: str = "fs-01", *, cores: Any = 2, memory: Any = 4096, cpu: Any = 50, disk_gb: Any = 60) -> str:
    """A row of the template with one disk."""
    return (
        f"{name},10.0.0.5,{cores},{memory},Windows Server 2016 Standard,,x64,Virtual,Hyper-V,{cpu},40,1,5,6,UEFI,1,50,"
        f"{disk_gb},3,2,300,250,,,,,"
    )


def send(api: make.Api, project: str, content: bytes, file_format: str = "rvtools", **fields: Any) -> Any:
    """The response to an upload; headers are those fields whose names hold a hyphen."""
    headers = {name: value for name, value in fields.items() if "-" in name}
    parts = {"format": file_format} | {name: value for name, value in fields.items() if "-" not in name}
    boundary = "----parts"
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in parts.items()
        if name != "file_name"
    )
    name = parts.get("file_name", "export.xlsx")
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    body += content + f"\r\n--{boundary}--\r\n".encode()
    headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    return api.post(f"projects/{project}/imports/", body, **headers)


def ended(api: make.Api, project: str, file_import: str, *, states: set[str] = ENDED) -> Any:
    """The import once it has ended."""
    path = f"projects/{project}/imports/{file_import}/"

    def answer() -> Any:
        found = api.ok(api.get(path))
        return found if found["status"] in states else None

    return wait_until(answer, seconds=30, what="the end of the import")


def imported(api: make.Api, project: str, content: bytes, file_format: str = "rvtools", **fields: Any) -> Any:
    """A file imported; waits for the worker."""
    made = api.ok(send(api, project, content, file_format, **fields), 202)
    return ended(api, project, made["id"])


def undone(api: make.Api, project: str, file_import: str) -> Any:
    """An import undone; waits for the worker."""
    api.ok(api.delete(f"projects/{project}/imports/{file_import}/"), 202)
    return ended(api, project, file_import, states={"undone"})


def machines(api: make.Api, project: str, **query: str) -> dict[str, Any]:
    """The machines of a project by name."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    listed = api.ok(api.get(f"projects/{project}/machines/?page_size=1000&{asked}"))
    return {row["name"]: row for row in listed["results"]}


def detail(api: make.Api, project: str, name: str) -> Any:
    """A machine with its parts and changes."""
    return api.ok(api.get(f"projects/{project}/machines/{machines(api, project)[name]['id']}/"))
