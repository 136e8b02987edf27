"""Whoever acts without learning here."""

from .base import Policy, View

__all__ = ["Policy", "View"]
