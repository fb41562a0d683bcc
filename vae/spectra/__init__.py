"""Counts spectra: the energy grid, OGIP files, responses, statistics and the store on disk."""
