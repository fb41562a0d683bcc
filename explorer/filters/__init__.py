"""Quantities of a detection, filters on them and their histograms."""
