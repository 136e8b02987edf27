"""Evaluation: statistics over seeds, tables, figures, and the study that puts them together."""
