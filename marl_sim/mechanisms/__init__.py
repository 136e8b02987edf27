"""Mechanisms laid on a dilemma, one a file; none knows another."""
