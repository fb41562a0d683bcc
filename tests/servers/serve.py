"""Serve folders of products as the archive does, on loopback: bucket, index pages, XSA.

    python tests/servers/serve.py FOLDER... [--delay SECONDS] [--page KEYS]

prints one line of JSON, the options that download.py wants for each of them, and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers.https_index import HttpsIndexServer
from servers.s3 import S3Server
from servers.tree import Tree
from servers.xsa import XsaServer


def _say(told: object) -> None:
    sys.stdout.write(f"{json.dumps(told)}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--page", type=int, default=1000, help="keys on a page of the bucket's list")
    arguments = parser.parse_args()
    tree = Tree.of(*arguments.folders).with_decoys()
    with ExitStack() as stack:
        s3 = stack.enter_context(S3Server(tree, delay=arguments.delay, page=arguments.page))
        https = stack.enter_context(HttpsIndexServer(tree, delay=arguments.delay))
        xsa = stack.enter_context(XsaServer(tree, delay=arguments.delay))
        matrices = ["--responses-url", https.responses_url]
        told = {
            "heasarc-s3": ["--backend", "heasarc-s3", "--endpoint", s3.url, *matrices],
            "heasarc-https": ["--backend", "heasarc-https", "--endpoint", https.root, *matrices],
            "xsa": ["--backend", "xsa", "--endpoint", xsa.aio_url, *matrices],
        }
        _say(told)
        sys.stdin.read()
        requests = {"heasarc-s3": s3, "heasarc-https": https, "xsa": xsa}
        _say({name: len(server.requests) for name, server in requests.items()})


if __name__ == "__main__":
    main()
