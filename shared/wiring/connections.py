"""Connections by identity, as Azure gives them: several settings that begin with the connection's name."""

from __future__ import annotations

from collections.abc import Mapping

SERVICE_BUS = "ServiceBusConnection"
"""The connection by which the Functions host finds the queues that set functions off."""

STORAGE = "AzureWebJobsStorage"
"""The connection by which the Functions host finds its own storage account."""


def told(environment: Mapping[str, str], connection: str, part: str = "") -> str:
    """What the setting says; empty where it is not there. As for the host, capital letters do not count."""
    name = (f"{connection}__{part}" if part else connection).casefold()
    return next((value.strip() for key, value in environment.items() if key.casefold() == name), "")


def service_bus(environment: Mapping[str, str]) -> tuple[str, str]:
    """The URL of the Service Bus that the host listens to, and the setting that names it; empty for none."""
    by_key = told(environment, SERVICE_BUS)
    if by_key:
        return by_key, SERVICE_BUS
    namespace = told(environment, SERVICE_BUS, "fullyQualifiedNamespace")
    if not namespace:
        return "", ""
    url = f"servicebus://{namespace}{_whose(environment, SERVICE_BUS)}"
    return url, f"{SERVICE_BUS}__fullyQualifiedNamespace"


def storage(environment: Mapping[str, str]) -> tuple[str, str]:
    """The URL of the host's storage account as a place for the state, and the setting; empty for none."""
    address = told(environment, STORAGE, "tableServiceUri")
    if address:
        return f"{address}{_whose(environment, STORAGE)}", f"{STORAGE}__tableServiceUri"
    account = told(environment, STORAGE, "accountName")
    if account:
        return f"tables://{account}{_whose(environment, STORAGE)}", f"{STORAGE}__accountName"
    return "", ""


def _whose(environment: Mapping[str, str], connection: str) -> str:
    client_id = told(environment, connection, "clientId")
    return f"?client_id={client_id}" if client_id else ""
