"""A stand-in for the Hugging Face hub on this machine: the few end points that fetching a data set's files calls.

A process that is to use it is started with ``HF_ENDPOINT`` (read when ``huggingface_hub`` is imported) set to ``url``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """Data sets by ``owner/name`` and revision, each with its files by path; ``asked`` lists the requests that came."""

    sets: Mapping[str, Mapping[str, Mapping[str, bytes]]]
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def commit(self, repo: str, revision: str) -> str:
        """The commit that a revision stands at, 40 hexadecimal digits; a commit is its own."""
        commits = {hashlib.sha1(f"{repo} {name}".encode()).hexdigest(): name for name in self.sets[repo]}
        return revision if revision in commits else next(commit for commit, name in commits.items() if name == revision)

    def files(self, repo: str, commit: str) -> Mapping[str, bytes]:
        """The files of a commit."""
        return next(files for name, files in self.sets[repo].items() if self.commit(repo, name) == commit)


@contextmanager
def hub_on_this_machine(sets: Mapping[str, Mapping[str, Mapping[str, bytes]]]) -> Iterator[Hub]:
    """The hub with these sets, for as long as the block runs."""
    hub = Hub(sets)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        path = urlsplit(self.path).path
        self.hub.asked.append(f"{self.command} {path}")
        parts = [unquote(part) for part in path.strip("/").split("/")]
        try:
            if parts[:1] == ["api"] and parts[1] != "datasets":  # the library asks for more than files; it does without
                self._missing("EntryNotFound")
            elif parts[:1] == ["api"]:
                repo, kind, revision = "/".join(parts[2:4]), parts[4], parts[5]
                commit = self.hub.commit(repo, revision)
                self._json(self._info(repo, commit) if kind == "revision" else self._tree(repo, commit))
            else:
                repo, revision, name = "/".join(parts[1:3]), parts[4], "/".join(parts[5:])
                commit = self.hub.commit(repo, revision)
                self._file(self.hub.files(repo, commit)[name], commit, body=body)
        except KeyError:
            self._missing("RepoNotFound")
        except StopIteration:
            self._missing("RevisionNotFound")

    def _info(self, repo: str, commit: str) -> object:
        siblings = [{"rfilename": name} for name in self.hub.files(repo, commit)]
        return {
            "_id": "0",
            "id": repo,
            "sha": commit,
            "private": False,
            "disabled": False,
            "gated": False,
            "tags": [],
            "siblings": siblings,
        }

    def _tree(self, repo: str, commit: str) -> object:
        return [
            {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for name, content in self.hub.files(repo, commit).items()
        ]

    def _json(self, value: object) -> None:
        content = json.dumps(value).encode()
        self._head(200, {"Content-Type": "application/json", "Content-Length": str(len(content))})
        self.wfile.write(content)

    def _file(self, content: bytes, commit: str, *, body: bool) -> None:
        digest = hashlib.sha256(content).hexdigest()
        self._head(200, {"Content-Length": str(len(content)), "ETag": f'"{digest}"', "X-Repo-Commit": commit, "Accept-Ranges": "bytes"})
        if body:
            self.wfile.write(content)

    def _missing(self, code: str) -> None:
        self._head(404, {"X-Error-Code": code, "X-Error-Message": code, "Content-Length": "0"})

    def _head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
