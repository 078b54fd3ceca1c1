"""Label Studio over its REST API: the dozen calls that the desk needs.

Plain HTTP and no SDK: the SDK ignores the ids of an export, parses 5,000 tasks in 30
seconds and asks for opencv; what is used here is small and measured.

Reference: https://api.labelstud.io
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import orjson

from ..datasets.errors import LabelloopError

if TYPE_CHECKING:
    import httpx

Fields = dict[str, Any]
"""One JSON object of the API."""

_PAGE = 1000
_FULL_PAGE = 200
_IDS = 200
"""So many ids go into one address; a longer one is refused."""
_ACCESS_SECONDS = 240
"""An access token is made anew after this time; it is good for 300 seconds."""
_TRIES = 4


class DeskRefused(LabelloopError):
    """Label Studio answered a request with an error; `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Person:
    """A user of Label Studio: the id that annotations carry, and the name that commits get."""

    id: int
    name: str


class Client:
    """A Label Studio, with the rights of the one whose token it is.

    Args:
        url: its address, with the path under which it lies.
        token: a legacy token (40 hex characters) or a personal access token (a JWT).

    Raises:
        LabelloopError: it does not answer, or does not know the token.
    """

    def __init__(self, url: str, token: str, *, timeout: float = 300) -> None:
        try:
            import httpx
        except ModuleNotFoundError as error:
            raise LabelloopError(
                "the desk needs httpx, which is not installed: pip install 'labelloop[label]'"
            ) from error
        self.url = url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise LabelloopError(f"the address of a Label Studio must begin with http:// or https://, received {url!r}")
        self._token, self._access, self._made = token.strip(), "", 0.0
        local = self.url.split("//", 1)[1].startswith(("127.0.0.1", "localhost"))
        self._http = httpx.Client(base_url=self.url, timeout=timeout, trust_env=not local)
        try:
            self.me = self._whoami()
        except BaseException:
            self._http.close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, **params: Any) -> Any:
        """What a GET answers; tried again where the connection breaks."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: object, **params: Any) -> Any:
        """What a POST answers."""
        return self._ask("POST", path, body=body, params=params)

    def patch(self, path: str, body: object) -> Any:
        """What a PATCH answers."""
        return self._ask("PATCH", path, body=body)

    def delete(self, path: str) -> None:
        """Delete something."""
        self._ask("DELETE", path)

    def people(self) -> dict[int, Person]:
        """The users by id, each by email where there is one."""
        found = cast("list[Fields]", self.get("/api/users/"))
        return {each["id"]: Person(each["id"], each.get("email") or each.get("username") or "") for each in found}

    def projects(self) -> Iterator[Fields]:
        """All projects that the token may see."""
        page = 1
        while True:
            found = self.get("/api/projects", page=page, page_size=100, include="id,title,description")
            yield from found["results"]
            if not found.get("next"):
                return
            page += 1

    def count_tasks(self, project: int) -> int:
        """How many tasks a project has."""
        return int(self.get(f"/api/projects/{project}", include="id,task_number")["task_number"])

    def tasks(
        self, project: int, *, include: str = "", where: Sequence[Fields] = (), full: bool = False
    ) -> Iterator[Fields]:
        """The tasks of a project, ordered by id.

        Args:
            include: only these fields, with commas between.
            where: filters that must all hold.
            full: with annotations, predictions and drafts.
        """
        query: Fields = {"ordering": ["tasks:id"]}
        if where:
            query["filters"] = {"conjunction": "and", "items": list(where)}
        yield from self._pages(project, query, include, full)

    def tasks_by_id(
        self, project: int, ids: Iterable[int], *, include: str = "", full: bool = True
    ) -> Iterator[Fields]:
        """The tasks of these ids, ordered by id; ids that there are not are left out."""
        ordered = sorted(set(ids))
        for start in range(0, len(ordered), _IDS):
            chosen = {"all": False, "included": ordered[start : start + _IDS]}
            yield from self._pages(project, {"selectedItems": chosen, "ordering": ["tasks:id"]}, include, full)

    def count(self, project: int, where: Sequence[Fields]) -> int:
        """How many tasks of a project meet all filters."""
        query = {"filters": {"conjunction": "and", "items": list(where)}}
        found = self.get(
            "/api/tasks", project=project, page=1, page_size=1, include="id", query=orjson.dumps(query).decode()
        )
        return int(found["total"])

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> int:
        """How many tasks were made of these."""
        found = self.post(f"/api/projects/{project}/import", tasks, commit_to_project="true")
        return int(found["task_count"])

    def delete_tasks(self, project: int, ids: Sequence[int]) -> None:
        """Delete tasks with all that was done on them."""
        body = {"selectedItems": {"all": False, "included": list(ids)}}
        self.post("/api/dm/actions", body, id="delete_tasks", project=project)

    def status(self, path: str) -> int:
        """The HTTP status of a GET of one byte, for asking whether the server can read an image."""
        return self._send("GET", path, headers={"Range": "bytes=0-0"}).status_code

    def _pages(self, project: int, query: Fields, include: str, full: bool) -> Iterator[Fields]:
        size = _FULL_PAGE if full else _PAGE
        params: Fields = {
            "project": project, "page_size": size, "resolve_uri": "false", "query": orjson.dumps(query).decode()
        }  # fmt: skip
        if full:
            params["fields"] = "all"
        elif include:
            params["include"] = include
        page = 1
        while True:
            found = self.get("/api/tasks", page=page, **params)
            yield from found["tasks"]
            if page * size >= found["total"]:
                return
            page += 1

    def _whoami(self) -> Person:
        try:
            found = self.get("/api/current-user/whoami")
        except DeskRefused as error:
            if error.status in (401, 403):
                kind = "personal access token" if self._is_personal() else "legacy token"
                raise LabelloopError(
                    f"{self.url} does not know the {kind} that it was given; Account & Settings there shows a valid one"
                ) from error
            raise
        if not isinstance(found, dict) or "email" not in found:
            raise LabelloopError(f"{self.url} answers, and is no Label Studio")
        fields = cast(Fields, found)
        return Person(int(fields["id"]), str(fields["email"]))

    def _is_personal(self) -> bool:
        return self._token.count(".") == 2

    def _authorization(self) -> str:
        if not self._is_personal():
            return f"Token {self._token}"
        if time.monotonic() - self._made > _ACCESS_SECONDS or not self._access:
            answer = self._http.post("/api/token/refresh", json={"refresh": self._token})
            if answer.status_code != 200:
                raise DeskRefused(f"{self.url} does not take the personal access token", 401)
            self._access, self._made = str(answer.json()["access"]), time.monotonic()
        return f"Bearer {self._access}"

    def _ask(self, method: str, path: str, body: object = None, params: Mapping[str, Any] | None = None) -> Any:
        answer = self._send(method, path, body=body, params=params)
        if answer.status_code >= 400:
            text = f"Label Studio refused {method} {path}: {answer.status_code} {_told(answer)}"
            raise DeskRefused(text, answer.status_code)
        if not answer.content:
            return None
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:
            raise LabelloopError(f"{self.url} answers {method} {path} with something that is no JSON") from error

    def _send(
        self, method: str, path: str, *, body: object = None, params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        import httpx

        content = None if body is None else orjson.dumps(body)
        for attempt in range(_TRIES):
            try:
                told = {"Authorization": self._authorization(), "Content-Type": "application/json", **(headers or {})}
                return self._http.request(method, path, content=content, params=params, headers=told)
            except httpx.TransportError as error:
                # What changes something may have been done before the connection broke: the caller finds out.
                if method != "GET" or attempt == _TRIES - 1 or isinstance(error, httpx.ConnectError):
                    raise LabelloopError(f"no answer from Label Studio at {self.url}: {error}") from error
                time.sleep(0.2 * (attempt + 1))
        raise AssertionError  # the loop returns or raises


def _told(answer: httpx.Response) -> str:
    """What an error answer says, on one line and not too long."""
    try:
        fields = cast(Fields, answer.json())
        text = str(fields.get("validation_errors") or fields.get("detail") or fields)
    except ValueError:
        text = answer.text
    return " ".join(text.split())[:500]
