"""From a catalogue to an atlas: select, download, preprocess, train or encode, cross-match, in one resumable go."""

from vae.build.options import BuildOptions, BuildSummary, StageSummary
from vae.build.run import build, foresee

__all__ = ["BuildOptions", "BuildSummary", "StageSummary", "build", "foresee"]
