"""The client against a server of its own that behaves badly: short pages, restarts, strange answers."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest

from labelloop.datasets.errors import LabelloopError
from labelloop.label_config.client import Client, DeskAway, DeskRefused

LEGACY = "0123456789abcdef0123456789abcdef01234567"
PERSONAL = "eyJhbGciOi.eyJzZWNyZXQiOjF9.c2lnbmF0dXJl"
ACCESS = "an access token"


@dataclass
class Server:
    """Tasks 1 to `count`, at most `page` at a time; `trouble` is what the next requests get instead."""

    url: str = ""
    count: int = 0
    page: int = 100
    trouble: list[tuple[int, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def answer(self, path: str, body: Any) -> tuple[int, str]:
        address = urlparse(path)
        self.asked.append(address.path)
        if self.trouble:
            return self.trouble.pop(0)
        if address.path.endswith("whoami"):
            return 200, json.dumps({"id": 1, "email": "ann@example.org"})
        if address.path == "/api/token/refresh":
            assert body == {"refresh": PERSONAL}
            return 200, json.dumps({"access": ACCESS})
        if address.path == "/api/tasks":
            query = json.loads(parse_qs(address.query)["query"][0])
            (last,) = (each["value"] for each in query["filters"]["items"] if each["filter"] == "filter:tasks:id")
            wanted = query.get("selectedItems", {}).get("included") or range(1, self.count + 1)
            left = [each for each in wanted if last < each <= self.count]
            return 200, json.dumps({"tasks": [{"id": each} for each in left[: self.page]], "total": len(left)})
        return 404, json.dumps({"detail": "no such thing"})


@pytest.fixture
def server() -> Iterator[Server]:
    played = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            played.tokens.append(self.headers.get("Authorization") or "")
            status, text = played.answer(self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        played.url = f"http://127.0.0.1:{http.server_port}"
        try:
            yield played
        finally:
            http.shutdown()
            thread.join()


@pytest.mark.parametrize("page", [1, 7, 100, 1000])
def test_no_task_is_left_out_whatever_a_server_gives_at_a_time(server: Server, page: int) -> None:
    server.count, server.page = 300, page
    with Client(server.url, LEGACY) as client:
        assert [task["id"] for task in client.tasks(1)] == list(range(1, 301))
        some = [2, 5, 250, 299, 400]
        assert [task["id"] for task in client.tasks_by_id(1, some)] == some[:-1]
        assert list(client.tasks_by_id(1, [])) == []
    server.count = 0
    with Client(server.url, LEGACY) as client:
        assert list(client.tasks(1)) == []


def test_a_task_that_goes_meanwhile_hides_no_other(server: Server) -> None:
    server.count, server.page = 20, 5
    with Client(server.url, LEGACY) as client:
        seen: list[int] = []
        for task in client.tasks(1):
            seen.append(task["id"])
            server.count -= task["id"] == 3  # one less from here on
    assert seen == list(range(1, 20))


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_server_that_starts_is_away(server: Server, status: int) -> None:
    with Client(server.url, LEGACY) as client:
        server.trouble = [(status, "<html>later</html>")]
        with pytest.raises(DeskAway, match=f"is not there just now: {status} <html>later"):
            client.get("/api/projects")
    server.trouble = [(status, "")]
    with pytest.raises(DeskAway):
        Client(server.url, LEGACY)


def test_a_server_that_is_gone_is_away() -> None:
    with pytest.raises(DeskAway, match="no answer from Label Studio at"):
        Client("http://127.0.0.1:1", LEGACY)


@pytest.mark.parametrize("token", [LEGACY, PERSONAL])
@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ((401, '{"detail": "no"}'), "does not know the|does not take the"),
        ((400, '["not so", "nor so"]'), "not so|does not know"),
        ((500, "<html>" + "x" * 9000), r"500 <html>x{1,500}$"),
        ((200, "no JSON"), "no JSON"),
        ((200, "[1]"), "is no Label Studio"),
        ((200, '{"detail": 1}'), "is no Label Studio"),
    ],
)
def test_an_answer_that_is_none_is_a_sentence_without_the_token(
    server: Server, token: str, trouble: tuple[int, str], said: str
) -> None:
    server.trouble = [trouble]
    with pytest.raises(LabelloopError, match=said) as raised:
        Client(server.url, token)
    told = "".join(traceback.format_exception(raised.value))
    assert not [each for each in (LEGACY, PERSONAL, ACCESS) if each in told]


def test_a_token_that_a_server_quotes_is_not_said(server: Server) -> None:
    server.trouble = [(400, f'{{"detail": "not {PERSONAL}"}}')]
    with pytest.raises(LabelloopError, match="does not know the personal access token") as raised:
        Client(server.url, PERSONAL)
    assert PERSONAL not in "".join(traceback.format_exception(raised.value))


def test_a_personal_token_is_sent_once_and_its_access_token_after_that(server: Server) -> None:
    with Client(server.url, PERSONAL) as client:
        with pytest.raises(DeskRefused, match=r"refused GET /api/nothing: 404 no such thing"):
            client.get("/api/nothing")
        assert PERSONAL not in repr(client)
    assert server.tokens == ["", f"Bearer {ACCESS}", f"Bearer {ACCESS}"]
    assert server.asked == ["/api/token/refresh", "/api/current-user/whoami", "/api/nothing"]


def test_a_strange_address_is_refused() -> None:
    with pytest.raises(LabelloopError, match=r"must begin with http:// or https://, received 'label\.example\.org'"):
        Client("label.example.org", LEGACY)
