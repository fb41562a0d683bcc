"""Plots as figures for papers."""
