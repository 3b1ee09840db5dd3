"""Pure: what logs, labels, attestations and Azure say about where an image came from and where it runs."""
