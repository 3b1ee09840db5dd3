"""Nouns of the connector: frozen dataclasses, enums and ids. No I/O, no clock, no third-party import."""
