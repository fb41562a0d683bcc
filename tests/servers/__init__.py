"""Servers on loopback that speak what the archive speaks, for tests and for trying the whole chain out."""
