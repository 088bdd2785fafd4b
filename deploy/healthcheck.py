"""Ends with 0 when the web process of this container answers /readyz, as the proxy would ask it."""

import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlparse

request = urllib.request.Request(
    f"http://127.0.0.1:{os.environ.get('WEB_PORT', '8000')}/readyz",
    headers={"Host": urlparse(os.environ["PUBLIC_URL"]).netloc},
)
try:
    with urllib.request.urlopen(request, timeout=5):  # noqa: S310  our own loopback address
        pass
except urllib.error.HTTPError as error:
    sys.exit(f"{error.code}: {error.read(500).decode(errors='replace')}")
except OSError as error:
    sys.exit(str(error))
