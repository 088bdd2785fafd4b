"""A small client of the people's side of the API: one access token, JSON in and out, patience with a busy hub."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from migrate_hub.local.demo.appliance import RETRY_STATUSES, Refused, Stopped, Unreachable, retry_after_seconds

Json = dict[str, Any]
ATTEMPTS = 20
POLL_SECONDS = 0.4
WAIT_SECONDS = 900


class Hub:
    """One person's access to one tenant. Paths are below /api/v1/, or absolute as in `next` and `download_url`."""

    def __init__(self, *, http: httpx.Client, access_token: str, stop: threading.Event) -> None:
        self.http = http
        self.stop = stop
        self.headers = {"Authorization": f"Bearer {access_token}"}

    def get(self, path: str) -> Json:
        return self._answer("GET", path)

    def find(self, path: str) -> Json | None:
        """What is there, or None for 404."""
        try:
            return self.get(path)
        except Refused as refusal:
            if refusal.status == 404:
                return None
            raise

    def post(self, path: str, body: Json) -> Json:
        return self._answer("POST", path, body)

    def every(self, path: str) -> Iterator[Json]:
        """All rows of a list, page by page."""
        next_page: str | None = f"{path}?page_size=1000"
        while next_page:
            page = self.get(next_page)
            yield from page["results"]
            next_page = page["next"]

    def named(self, path: str, name: str) -> Json | None:
        """The row of a list with this name."""
        return next((row for row in self.every(path) if row["name"] == name), None)

    def wait(self, path: str, is_over: Callable[[Json], bool]) -> Json:
        """Polls until a job is over; `is_over` sees each answer."""
        for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
            answer = self.get(path)
            if is_over(answer):
                return answer
            self.stop.wait(POLL_SECONDS)
        raise Unreachable(f"{path} was not finished in {WAIT_SECONDS} s")

    def download(self, url: str, to: Path) -> None:
        """Saves a signed link, which needs no token; the file appears whole or not at all."""
        to.parent.mkdir(parents=True, exist_ok=True)
        unfinished = to.with_name(to.name + ".new")
        with self.http.stream("GET", url) as response:
            if not response.is_success:
                response.read()
                raise Refused(response)
            with unfinished.open("wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)
        unfinished.replace(to)

    def _answer(self, method: str, path: str, body: Json | None = None) -> Json:
        url = path if path.startswith("http") else f"/api/v1/{path}"
        for attempt in range(ATTEMPTS):
            if self.stop.is_set():
                raise Stopped
            try:
                response = self.http.request(method, url, json=body, headers=self.headers)
            except httpx.TransportError:
                if method != "GET":
                    raise  # it may have arrived: the caller looks before it creates again
                self.stop.wait(0.5 + attempt)
                continue
            if response.status_code not in RETRY_STATUSES:
                return _json_of(response)
            self.stop.wait(max(0.5, retry_after_seconds(response)))
        raise Unreachable(f"{method} {url} found no answer in {ATTEMPTS} attempts")


def _json_of(response: httpx.Response) -> Json:
    if not response.is_success:
        raise Refused(response)
    return dict(response.json()) if response.content else {}
