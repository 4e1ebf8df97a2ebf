"""Figures of single chapters whose drawing is too long to be shown there."""
