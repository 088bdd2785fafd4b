"""Debian's Chromium without a screen, for the tests that need a real browser."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def chromium(*hosts: str) -> Iterator[Any]:
    """A playwright Browser. The given host names lead to this machine, all others nowhere."""
    from playwright.sync_api import sync_playwright  # only `make test-e2e` installs it

    program = shutil.which("chromium")
    assert program, "Chromium is missing. Install it: apt-get install chromium"
    rules = [f"MAP {host} 127.0.0.1" for host in hosts] + ["MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"]
    arguments = ["--no-sandbox", f"--host-resolver-rules={','.join(rules)}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
