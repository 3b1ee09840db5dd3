"""Imperative shell: one file and one plain function per unit of work."""
