"""HEASARC's tree as its web server shows it: an index page a folder (Apache's), files; and the page of matrices.

Plain HTTP: a certificate for loopback would test requests, not us.
"""

from __future__ import annotations

from html import escape

from servers.faults import Faults
from servers.loopback import Answer, LoopbackServer, Request
from servers.tree import Tree, content, size

_ROOT = "/FTP/xmm/data/rev0/"
_RESPONSES = "/pub/ccf/constituents/extras/responses/PN/"


class HttpsIndexServer(LoopbackServer):
    """Serves ``/FTP/xmm/data/rev0/OBS_ID/PPS/NAME`` and ``/pub/ccf/constituents/extras/responses/PN/NAME``."""

    def __init__(self, tree: Tree, faults: Faults | None = None, *, delay: float = 0.0) -> None:
        self.tree = tree
        super().__init__(faults, delay=delay)

    @property
    def root(self) -> str:
        """Address of the folder of observations."""
        return f"{self.url}{_ROOT}"

    @property
    def responses_url(self) -> str:
        """Address of the page of matrices."""
        return f"{self.url}{_RESPONSES}"

    def answer(self, request: Request) -> Answer:
        path = request.path
        if path.startswith(_RESPONSES):
            return self._folder_or_file(path, path.removeprefix(_RESPONSES), self.tree.responses)
        obs_id, _, rest = path.removeprefix(_ROOT).partition("/PPS/")
        if path.startswith(_ROOT) and obs_id in self.tree.products:
            return self._folder_or_file(path, rest, self.tree.products[obs_id])
        return _not_found()

    def _folder_or_file(self, path: str, name: str, files: dict) -> Answer:
        if name in files:
            headers = {"Content-Type": "application/fits"}
            if name.endswith(".FTZ"):  # as Apache does: the packing is said to be the way's, not the file's
                headers["Content-Encoding"] = "x-gzip"
            return Answer(200, content(files[name]), headers)
        return _not_found() if name else _page(path, {name: size(file) for name, file in files.items()})


def _page(path: str, sizes: dict[str, int]) -> Answer:
    lines = "".join(
        f'<tr><td valign="top">&nbsp;</td><td><a href="{escape(name)}">{escape(name[:20])}..&gt;</a></td>'
        f'<td align="right">2019-04-{1 + i % 28:02d} 10:{i % 60:02d}  </td>'
        f'<td align="right">{_shown(size)} </td></tr>\n'
        for i, (name, size) in enumerate(sorted(sizes.items()))
    )
    page = (
        f"<!DOCTYPE HTML><html><head><title>Index of {path}</title></head><body><h1>Index of {path}</h1><table>"
        '<tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=S;O=A">Size</a></th></tr>'
        f'<tr><td><a href="/FTP/xmm/data/">Parent Directory</a></td><td>&nbsp;</td><td align="right">  - </td></tr>\n'
        f"{lines}</table></body></html>\n"
    )
    return Answer(200, page.encode(), {"Content-Type": "text/html;charset=UTF-8"})


def _shown(size: int) -> str:
    for unit in ("", "K", "M"):
        if size < 1000:
            return f"{size:.1f}{unit}" if unit and size < 10 else f"{size:.0f}{unit}"
        size /= 1024
    return f"{size:.0f}G"


def _not_found() -> Answer:
    return Answer(404, b"<html><body><h1>Not Found</h1></body></html>", {"Content-Type": "text/html"})
