"""The simulated archive as files: pipeline products, canned matrices and a catalogue, as the real archive has them."""

from vae.simulate.export.run import ExportOptions, ExportSummary, export_archive

__all__ = ["ExportOptions", "ExportSummary", "export_archive"]
