"""Sends notifications to a webhook."""
