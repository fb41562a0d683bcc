"""Names that a download gives to its own files in an archive: nobody looks for spectra there."""

from typing import Final

#: Tables beside the products: what there is, and what is missing.
MANIFEST: Final = "manifest.parquet"
MISSING: Final = "missing.csv"
#: Folder of the journal and of what is arriving.
BOOKS: Final = ".download"
