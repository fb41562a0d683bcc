"""HEASARC's public S3 bucket, by boto3 and without an account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any, Final

import boto3
import botocore
import urllib3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from vae.archive.download.arrivals import Archive
from vae.archive.download.backends.common import ListingBackend, Looked
from vae.archive.download.gate import Gate, RefusedError, TroubleError
from vae.archive.download.names import product
from vae.archive.download.options import DownloadOptions
from vae.archive.download.records import Listed, Pending
from vae.archive.download.web import CHUNK, USER_AGENT, Body, check_status

#: Where the bucket lies. A bucket elsewhere answers with its own region, and boto3 follows.
_REGION: Final = "us-east-1"
#: ETag of an object that came in one part: its MD5 sum.
_MD5: Final = re.compile(r"[0-9a-f]{32}")


class S3Backend(ListingBackend):
    """``bucket/prefix/OBS_ID/PPS/``: list what is of EPIC-pn, get what is wanted; see `Backend`."""

    def __init__(self, options: DownloadOptions, gate: Gate, archive: Archive) -> None:
        super().__init__(options, gate, archive)
        connections, _ = options.manners
        self._client = _session().client(
            "s3",
            region_name=_REGION,
            endpoint_url=options.endpoint,
            config=Config(
                signature_version=botocore.UNSIGNED,
                connect_timeout=options.timeout,
                read_timeout=options.timeout,
                max_pool_connections=connections,
                # We try again ourselves: botocore does not wait for as long as Retry-After says.
                retries={"total_max_attempts": 1, "mode": "standard"},
                user_agent_extra=USER_AGENT,
                # A bucket's name before an address of our own would be another host.
                s3={} if options.endpoint is None else {"addressing_style": "path"},
            ),
        )
        self._root = f"s3://{options.bucket}/"
        self._client.meta.events.register("before-send.s3", self._wait_turn)

    def _wait_turn(self, **_: Any) -> None:
        self.gate.enter()

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def look(self, obs_id: str, src_nums: Sequence[int]) -> Looked:
        """List the pn products of an observation, page by page; see `Backend.look`."""
        folder = f"{self.options.prefix.strip('/')}/{obs_id}/PPS/".lstrip("/")
        wanted, listed = set(src_nums), []
        objects = self.persist(lambda: self._list(f"{folder}P{obs_id}PN"), f"observation {obs_id}")
        for entry in objects:
            key = str(entry["Key"])
            named = product(key.removeprefix(folder))
            if named is None or named.obs_id != obs_id or named.src_num not in wanted:
                continue
            sum_md5 = str(entry.get("ETag", "")).strip('"')
            md5 = sum_md5 if _MD5.fullmatch(sum_md5) else None
            listed.append(Listed(named, f"{self._root}{key}", int(entry["Size"]), exact=True, md5=md5))
        return Looked(tuple(listed), absent="" if objects else f"{folder} holds nothing of EPIC-pn")

    def _list(self, prefix: str) -> list[dict[str, Any]]:
        objects: list[dict[str, Any]] = []
        with _trouble_told():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.options.bucket, Prefix=prefix)
            for page in pages:
                if page.get("Name") != self.options.bucket:  # a page of well-formed HTML passes for an empty list
                    raise TroubleError("no list came, but something else")
                objects += page.get("Contents", ())
        return objects

    @contextmanager
    def open(self, one: Pending) -> Iterator[Body]:
        """Get an object; see `ListingBackend.open`."""
        with _trouble_told():
            answer = self._client.get_object(Bucket=self.options.bucket, Key=one.url.removeprefix(self._root))
            with closing(answer["Body"]) as body:
                yield Body(self._checked(body.iter_chunks(CHUNK)), int(answer["ContentLength"]))

    def _checked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.gate.check()
            yield chunk


@cache
def _session() -> Any:
    """Return one session for all clients: it reads a hundred files for the first of them."""
    return boto3.session.Session()


@contextmanager
def _trouble_told() -> Iterator[None]:
    """Turn what botocore raises into `TroubleError` and `RefusedError`."""
    try:
        yield
    except ClientError as error:
        answer = error.response.get("ResponseMetadata", {})
        status = int(answer.get("HTTPStatusCode", 0))
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code == "NoSuchBucket":
            raise RefusedError("refused", "there is no such bucket") from error
        headers = {name.title(): value for name, value in answer.get("HTTPHeaders", {}).items()}
        check_status(status, headers)
        raise TroubleError(f"{code or 'an error'} with HTTP status {status}") from error
    except (BotoCoreError, urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        raise TroubleError(" ".join(f"{type(error).__name__}: {error}".split())[:200]) from error
