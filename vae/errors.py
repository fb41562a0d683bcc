"""What went wrong, in which file, and what to do next."""

from __future__ import annotations

from pathlib import Path


class ExplorerError(Exception):
    """Base of every error meant for a person: what, where, what to do.

    Parameters
    ----------
    what : str
        What is wrong, as a sentence without its full stop.
    where : str or Path, optional
        The file, folder, HDU or column it is about.
    todo : str, optional
        What the reader can do next, as a sentence.
    """

    def __init__(self, what: str, *, where: str | Path | None = None, todo: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.todo = todo
        parts = [what if self.where is None else f"{self.where}: {what}"]
        if todo:
            parts.append(todo)
        super().__init__(". ".join(part.rstrip(".") for part in parts) + ".")

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes whole (worker pools send exceptions back)."""
        return (_rebuild, (type(self), self.what, self.where, self.todo, self.__dict__))


def _rebuild(
    cls: type[ExplorerError], what: str, where: str | None, todo: str | None, state: dict[str, object]
) -> ExplorerError:
    error = cls.__new__(cls)
    ExplorerError.__init__(error, what, where=where, todo=todo)
    error.__dict__.update(state)
    return error


class OgipError(ExplorerError):
    """A PHA, ARF or RMF file that cannot be used; names the HDU and column where there is one.

    Parameters
    ----------
    what, todo : str
        See `ExplorerError`.
    file : str or Path
        The file.
    hdu, column : str, optional
        HDU (name or number) and column (or keyword) at fault.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path,
        hdu: str | int | None = None,
        column: str | None = None,
        todo: str | None = None,
    ) -> None:
        self.file, self.hdu, self.column = str(file), hdu, column
        where = str(file)
        if hdu is not None:
            where += f", HDU {hdu}"
        if column is not None:
            where += f", column {column}"
        super().__init__(what, where=where, todo=todo)


class CatalogueError(ExplorerError):
    """A catalogue of detections that cannot be used."""


class DownloadError(ExplorerError):
    """Products that cannot be fetched, or a disk that cannot take them."""


class StoreError(ExplorerError):
    """A spectra store that is missing, incomplete or of another version."""


class ModelError(ExplorerError):
    """A model folder that is missing, damaged or does not fit the data."""


class AtlasError(ExplorerError):
    """An atlas that is missing, damaged or of another version."""


class TrainingError(ExplorerError):
    """Training that cannot go on."""


class BuildError(ExplorerError):
    """A build of an atlas that cannot go on."""


class ServiceError(ExplorerError):
    """A service on the network that does not answer, or not with what was asked for."""


class LabelError(ExplorerError):
    """A catalogue of labels that cannot be used."""


class OptionError(ExplorerError):
    """A combination of command-line options that makes no sense; exit status 2."""
