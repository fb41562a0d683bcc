"""The XMM-Newton Science Archive's data-action-aio as astroquery asks it: a tar of several products, or a bare one."""

from __future__ import annotations

import io
import re
import tarfile

from servers.faults import Faults
from servers.loopback import Answer, LoopbackServer, Request
from servers.tree import Tree, content

_PATH = "/nxsa-sl/servlet/data-action-aio"
_NAME = re.compile(
    r"P(?P<obsno>\d{10})(?P<instname>..)(?P<exposure>.{4})(?P<name>.{6}).(?P<sourceno>...)\.(?P<extension>.*)"
)


class XsaServer(LoopbackServer):
    """Serves products by OBS_ID, instrument, type, source and extension.

    Parameters
    ----------
    tree : Tree
    faults, delay
        See `LoopbackServer`.
    nothing : str
        ``404``, or ``page``: a page with status 200 says that there is none.
    proprietary : set of str
        Observations that need a login.
    """

    def __init__(
        self,
        tree: Tree,
        faults: Faults | None = None,
        *,
        delay: float = 0.0,
        nothing: str = "404",
        proprietary: frozenset[str] = frozenset(),
    ) -> None:
        self.tree, self.nothing, self.proprietary = tree, nothing, proprietary
        super().__init__(faults, delay=delay)

    @property
    def aio_url(self) -> str:
        """What astroquery calls data_aio_url."""
        return f"{self.url}{_PATH}?"

    def answer(self, request: Request) -> Answer:
        query = request.query
        obs_id = query.get("obsno", "")
        if request.path != _PATH:
            return Answer(404, b"<html>no</html>", {"Content-Type": "text/html"})
        if obs_id in self.proprietary:
            return Answer(401, b"<html>login</html>", {"Content-Type": "text/html"})
        files = self.tree.products.get(obs_id, {})
        chosen = {name: file for name, file in sorted(files.items()) if self._matches(name, query)}
        if not chosen:
            page = b"<html><body>No data found for your request</body></html>"
            return Answer(404 if self.nothing == "404" else 200, page, {"Content-Type": "text/html"})
        if len(chosen) == 1:
            (name, file), kind = next(iter(chosen.items())), "application/octet-stream"
            body = content(file)
        else:
            name, kind, packed = f"{obs_id}.tar", "application/x-tar", io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as tar:
                for product, file in chosen.items():
                    data = content(file)
                    member = tarfile.TarInfo(f"{obs_id}/pps/{product}")
                    member.size = len(data)
                    tar.addfile(member, io.BytesIO(data))
            body = packed.getvalue()
        return Answer(200, body, {"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'})

    def _matches(self, name: str, query: dict[str, str]) -> bool:
        match = _NAME.fullmatch(name)
        if match is None:
            return False
        return all(match[key] == query[key] for key in ("instname", "name", "sourceno", "extension") if key in query)
