"""The app, apart from its triggers. Which part may import which: docs/architecture/README.md."""
