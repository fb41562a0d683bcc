"""What kinds of sources there are: a recipe of spectral models for each."""
