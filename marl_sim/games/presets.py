"""Registered games."""
