"""A Microsoft Entra to sign in to: tenants, people, applications, and the token service that MSAL speaks to.

Written from the protocol's documentation (https://learn.microsoft.com/entra/identity-platform) for tests and
for trying sign-in without a tenant. It knows nothing of the app that it is there to test.
"""

from __future__ import annotations

from local.entra_simulator.directory import Application, Device, Directory, Tenant, User
from local.entra_simulator.server import EntraSimulator

__all__ = ["Application", "Device", "Directory", "EntraSimulator", "Tenant", "User"]
