"""Measurements. They prove nothing about correctness and are never part of the tests."""
