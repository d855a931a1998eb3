"""schemathesis over the OpenAPI file: whatever is asked, nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import schemathesis

from servers import TOKEN, Served, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    from limn.server.security import Limits

    with served(tmp_path_factory.mktemp("schema"), limits=Limits(rate=10_000, burst=100_000)) as running:
        yield running


@pytest.mark.slow
def test_no_request_breaks_the_server(server: Served) -> None:
    from hypothesis import HealthCheck, Phase, given, settings

    headers = {"authorization": f"Bearer {TOKEN}"}
    schema = schemathesis.openapi.from_url(f"{server.url}/api/openapi.json", headers=headers)
    asked, broken = 0, []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/events"):
            continue  # a stream that waits

        @given(case=operation.as_strategy())
        @settings(max_examples=12, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            answer = case.call(base_url=server.url, headers=headers, timeout=60)
            asked += 1
            if answer.status_code >= 500:
                broken.append((case.method, case.path, answer.status_code, answer.text[:200]))

        ask()
    assert not broken
    assert asked > 100
    assert httpx.get(f"{server.url}/health").status_code == 200
