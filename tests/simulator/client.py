"""A plain HTTP client for the simulator, which shares no code with the project's own."""

from __future__ import annotations

from typing import Any

import requests

from local.ado_simulator import Simulator

PATIENCE = 60.0
"""Seconds for an answer that takes no time, but on a machine that stands still for a while."""

Json = Any
"""Whatever a JSON document may hold."""


class Client:
    """Requests as a careful caller sends them: suppressed sign-in, no redirects, its own session id."""

    def __init__(self, simulator: Simulator, token: str) -> None:
        self.simulator = simulator
        self.token: str | None = token
        self.session = requests.Session()
        self.session.trust_env = False

    def send(
        self,
        method: str,
        path: str,
        *,
        version: str | None = "7.1",
        headers: dict[str, str] | None = None,
        json: object = None,
        timeout: float = PATIENCE,
        **query: str,
    ) -> requests.Response:
        given = {"X-TFS-FedAuthRedirect": "Suppress", "User-Agent": "tests/1", "X-TFS-Session": "s-1"}
        if self.token is not None:
            given["Authorization"] = f"Bearer {self.token}"
        given |= headers or {}
        given = {name: value for name, value in given.items() if value}
        parameters = {name.replace("__", "$", 1): value for name, value in query.items()}
        if version is not None:
            parameters["api-version"] = version
        return self.session.request(
            method,
            self.simulator.url + path,
            params=parameters,
            headers=given,
            json=json,
            timeout=timeout,
            allow_redirects=False,
        )

    def get(self, path: str, **options: Json) -> requests.Response:
        return self.send("GET", path, **options)

    def post(self, path: str, **options: Json) -> requests.Response:
        return self.send("POST", path, **options)

    def names(self, path: str, **options: Json) -> list[str]:
        response = self.get(path, **options)
        assert response.status_code == 200, response.text
        return [item["name"] for item in response.json()["value"]]

    def control(self, action: str, **body: object) -> requests.Response:
        return self.session.post(f"{self.simulator.url}/_control/{action}", json=body, timeout=PATIENCE)
