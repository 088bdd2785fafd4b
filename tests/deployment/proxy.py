"""The proxy of docker-compose.yml, as a real nginx with the same template."""

import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from migrate_hub.local.processes import start_process, stop_process
from tests.conftest import PROJECT_DIR, free_port, wait_until
from tests.deployment.conftest import Installation

MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log off;
    include {folder}/hub.conf;
}}
"""


@dataclass(frozen=True)
class Proxy:
    http_port: int
    https_port: int
    certificate: Path
    log: Path

    def request(self, method: str, path: str, **more: object) -> httpx.Response:
        """Sent over TLS to hub.example.com, whose certificate must be the one that was made for it."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        with httpx.Client(verify=context, timeout=60) as client:
            request = client.build_request(
                method,
                f"https://127.0.0.1:{self.https_port}{path}",
                extensions={"sni_hostname": "hub.example.com"},
                **more,  # type: ignore[arg-type]
            )
            request.headers["Host"] = "hub.example.com"
            return client.send(request)


def _configure(folder: Path, installation: Installation, http_port: int, https_port: int) -> Path:
    text = (PROJECT_DIR / "deploy" / "nginx.conf.template").read_text()
    values = {
        "HTTP_LISTEN": f"127.0.0.1:{http_port}",
        "HTTPS_LISTEN": f"127.0.0.1:{https_port}",
        "CERTIFICATES": str(folder),
        "WEB_ADDRESS": f"127.0.0.1:{installation.port}",
        "NGINX_LOCAL_RESOLVERS": "127.0.0.1",
    }
    for name, value in values.items():
        text = text.replace("${" + name + "}", value)
    (folder / "hub.conf").write_text(text)
    main = folder / "nginx.conf"
    main.write_text(("user root;\n" if os.getuid() == 0 else "") + MAIN.format(folder=folder))
    return main


@contextmanager
def nginx(installation: Installation, folder: Path) -> Iterator[Proxy]:
    """The proxy in front of an installation, with a certificate made by the deployment's script."""
    program = shutil.which("nginx", path=installation.environment["PATH"])
    assert program, "nginx is missing. Install it: apt-get install nginx-light"
    made = installation.run("sh", "deploy/make-certificate.sh", str(folder))
    assert made.returncode == 0, made.stderr
    started = Proxy(free_port(), free_port(), folder / "tls.crt", folder / "nginx.log")
    main = _configure(folder, installation, started.http_port, started.https_port)
    process = start_process([program, "-e", "stderr", "-c", str(main)], log=started.log)
    try:
        wait_until(lambda: process.poll() is not None or _listens(started.https_port), what="nginx")
        assert process.poll() is None, started.log.read_text()
        yield started
    finally:
        stop_process(process)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
