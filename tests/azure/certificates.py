"""What the machine that runs the app trusts: one authority, and a certificate for every name in Azure."""

from __future__ import annotations

from pathlib import Path

from local.entra_simulator.keys import write_certificate

NAMES = ("*.table.core.windows.net", "*.servicebus.windows.net", "*.vault.azure.net", "localhost")


def write_certificate_of_azure(folder: Path) -> tuple[Path, Path]:
    """A certificate that is its own authority, and its key; paths of both."""
    return write_certificate(folder, NAMES)
