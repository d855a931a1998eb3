"""Ask a running ``limn serve`` from Python, with nothing but the standard library.

from limn.client import Client

client = Client("http://127.0.0.1:8650", token)
paths = client.draw("a red heart", seed=1, folder="hearts")
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limn.io.atomic import make_folder, write_bytes
from limn.io.http import Answer, ask, check_url
from limn.kernel.errors import LimnError

MAX_ANSWER = 2**28  # bytes


class Client:
    """A server that a person named.

    Args:
        url: ``http://`` of this machine, or ``https://``.
        token: What the server was started with.
        timeout: Seconds for one answer.

    Raises:
        InputError: The address cannot be used.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 60.0) -> None:
        self.url, self.timeout = check_url(url, "url"), timeout
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def get(self, path: str, form: Any = None) -> Any:
        """Return what the server answers as JSON; a form is sent to it.

        Raises:
            LimnError: It refuses, or cannot be reached.
        """
        return json.loads(self._ask(path, form).body)

    def draw(self, prompts: str | Sequence[str], *, folder: str | Path = ".", **options: Any) -> list[Path]:
        """Draw, wait, and return the files of the pictures.

        Args:
            prompts: What is asked.
            folder: Where the pictures are put.
            **options: Those of :class:`limn.kernel.request.Request`, as text and numbers.

        Raises:
            LimnError: The server refuses, or cannot draw it.
        """
        job = self.get("/api/jobs", {"prompts": [prompts] if isinstance(prompts, str) else list(prompts), **options})
        while job["state"] in ("waiting", "running"):
            job = self.get(f"/api/jobs/{job['id']}?wait={min(20.0, self.timeout / 2):g}")
        if job["state"] != "done":
            raise LimnError(f"job {job['id']}: {job['problem'] or job['state']}")
        make_folder(Path(folder))
        paths = []
        for picture in job["result"]["pictures"]:
            paths.append(Path(folder) / f"{picture['key'][:12]}-{picture['file']}")
            write_bytes(paths[-1], self._ask(f"/api/pictures/{picture['key']}/{picture['index']}", None).body)
        return paths

    def _ask(self, path: str, form: Any) -> Answer:
        body = None if form is None else json.dumps(form).encode()
        answer = ask(self.url + path, body=body, headers=self._headers, timeout=self.timeout, limit=MAX_ANSWER)
        if not 200 <= answer.status < 300:
            raise LimnError(f"{self.url}: {_reason(answer)}")
        return answer


def _reason(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.failure or f"answered {answer.status}"
