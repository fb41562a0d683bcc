"""From archive files to an atlas on disk: spectra, simulation, network, training, encoding."""

__version__ = "0.1.0"
