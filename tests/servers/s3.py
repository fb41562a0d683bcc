"""A bucket as boto3 sees it: ListObjectsV2 with continuation, GetObject, HeadObject; nobody needs an account.

After the Amazon S3 API reference (ListObjectsV2, GetObject, error responses).
"""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote
from xml.sax.saxutils import escape

from servers.faults import Faults
from servers.loopback import Answer, LoopbackServer, Request
from servers.tree import Tree, content, size

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


class S3Server(LoopbackServer):
    """Serves a tree as ``BUCKET/xmm/data/rev0/OBS_ID/PPS/NAME``.

    Parameters
    ----------
    tree : Tree
    faults, delay
        See `LoopbackServer`.
    page : int
        Keys on a page of a list.
    """

    def __init__(
        self,
        tree: Tree,
        faults: Faults | None = None,
        *,
        delay: float = 0.0,
        page: int = 1000,
        bucket: str = "nasa-heasarc",
        prefix: str = "xmm/data/rev0/",
    ) -> None:
        self.bucket, self.page = bucket, page
        self.objects = {
            f"{prefix}{obs_id}/PPS/{name}": file
            for obs_id, files in tree.products.items()
            for name, file in files.items()
        }
        super().__init__(faults, delay=delay)

    def answer(self, request: Request) -> Answer:
        if "Authorization" in request.headers:
            return _error(403, "AccessDenied", "this bucket is asked without an account")
        bucket, _, key = unquote(request.path.lstrip("/")).partition("/")
        if bucket != self.bucket:
            return _error(404, "NoSuchBucket", "The specified bucket does not exist")
        if key:
            return self._object(key)
        return self._list(request.query)

    def _object(self, key: str) -> Answer:
        if key not in self.objects:
            return _error(404, "NoSuchKey", "The specified key does not exist.")
        body = content(self.objects[key])
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        return Answer(200, body, {"Content-Type": "binary/octet-stream", "ETag": etag, "Accept-Ranges": "bytes"})

    def _list(self, query: dict[str, str]) -> Answer:
        if query.get("list-type") != "2":
            return _error(400, "InvalidArgument", "only ListObjectsV2 here")
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        n = min(self.page, int(query.get("max-keys", 1000)))
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        shown, more = keys[:n], len(keys) > n
        encoded = query.get("encoding-type") == "url"
        contents = "".join(
            f"<Contents><Key>{escape(quote(key) if encoded else key)}</Key>"
            f"<LastModified>2024-05-01T00:00:00.000Z</LastModified><ETag>&quot;{self._etag(key)}&quot;</ETag>"
            f"<Size>{size(self.objects[key])}</Size><StorageClass>INTELLIGENT_TIERING</StorageClass></Contents>"
            for key in shown
        )
        body = (
            f'{_XML}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{self.bucket}</Name>'
            f"<Prefix>{escape(prefix)}</Prefix><KeyCount>{len(shown)}</KeyCount><MaxKeys>{n}</MaxKeys>"
            + ("<EncodingType>url</EncodingType>" if encoded else "")
            + f"<IsTruncated>{str(more).lower()}</IsTruncated>"
            + (f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else "")
            + f"{contents}</ListBucketResult>"
        )
        return Answer(200, body.encode(), {"Content-Type": "application/xml"})

    def _etag(self, key: str) -> str:
        return hashlib.md5(content(self.objects[key]), usedforsecurity=False).hexdigest()


def _error(status: int, code: str, message: str) -> Answer:
    body = f"{_XML}<Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId></Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})
