"""What runs on a workstation and is never deployed: the embedded host and the simulated Azure DevOps."""
