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
_LEFT = "Deleted"
"""Label Studio's name for whoever is no member of the organisation any more."""
_AWAY = (502, 503, 504)
"""What a proxy answers while the server behind it starts."""


class DeskRefused(LabelloopError):
    """Label Studio answered a request with an error; `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class DeskAway(LabelloopError):
    """Label Studio does not answer, or whatever stands before it says so."""


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
        """The users by id, each by email where there is one; without those who left, whose names are not told."""
        found = cast("list[Fields]", self.get("/api/users/"))
        named = {each["id"]: str(each.get("email") or each.get("username") or "") for each in found}
        return {number: Person(number, name) for number, name in named.items() if name != _LEFT}

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

        Each page goes on after the last id, not at a number of tasks: what comes and goes
        meanwhile, by an answer or a filter, neither skips a task nor gives one twice.

        Args:
            include: only these fields, with commas between; `id` must be among them.
            where: filters that must all hold.
            full: with annotations, predictions and drafts.
        """
        yield from self._pages(project, {}, where, include, full=full)

    def tasks_by_id(
        self, project: int, ids: Iterable[int], *, include: str = "", full: bool = True
    ) -> Iterator[Fields]:
        """The tasks of these ids, ordered by id; ids that there are not are left out."""
        ordered = sorted(set(ids))
        for start in range(0, len(ordered), _IDS):
            chosen = {"all": False, "included": ordered[start : start + _IDS]}
            yield from self._pages(project, {"selectedItems": chosen}, (), include, full=full)

    def drafted(self, project: int) -> set[int]:
        """The ids of the tasks that somebody works on without having submitted; a list of tasks does not say so."""
        some = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
        return {int(task["id"]) for task in self.tasks(project, include="id", where=[some])}

    def newest_change(self, project: int) -> str:
        """When a task of a project changed last, by Label Studio's clock; "" where there is none."""
        query: Fields = {"ordering": ["-tasks:updated_at"]}
        found = self._page(project, query, "id,updated_at", 1, full=False)["tasks"]
        return str(found[0]["updated_at"]) if found else ""

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
        self.post("/api/dm/actions", _selected(ids), id="delete_tasks", project=project)

    def set_data(self, project: int, ids: Sequence[int], name: str, text: str) -> None:
        """Set one field of the data of many tasks, to the same text."""
        body = {**_selected(ids), "value_name": name, "value_type": "String", "value": text}
        self.post("/api/dm/actions", body, id="add_data_field", project=project)

    def delete_predictions(self, project: int, ids: Sequence[int]) -> None:
        """Delete all predictions of many tasks."""
        self.post("/api/dm/actions", _selected(ids), id="delete_tasks_predictions", project=project)

    def import_predictions(self, project: int, predictions: Sequence[Mapping[str, Any]]) -> int:
        """How many predictions were made of these; what the labeling config does not know is left out."""
        return int(self.post(f"/api/projects/{project}/import/predictions", predictions)["created"])

    def status(self, path: str) -> int:
        """The HTTP status of a GET of one byte, for asking whether the server can read an image."""
        return self._send("GET", path, headers={"Range": "bytes=0-0"}).status_code

    def _pages(
        self, project: int, query: Fields, where: Sequence[Fields], include: str, *, full: bool
    ) -> Iterator[Fields]:  # fmt: skip
        size = _FULL_PAGE if full else _PAGE
        last = 0
        while True:
            after: Fields = {"filter": "filter:tasks:id", "operator": "greater", "type": "Number", "value": last}
            asked = {**query, "ordering": ["tasks:id"], "filters": {"conjunction": "and", "items": [*where, after]}}
            page = self._page(project, asked, include, size, full=full)
            found = cast("list[Fields]", page["tasks"])
            yield from found
            # A server may give less than it is asked for, so what is left is what it says is left.
            if len(found) >= page["total"] or not found:
                return
            last = int(found[-1]["id"])

    def _page(self, project: int, query: Fields, include: str, size: int, *, full: bool) -> Fields:
        params: Fields = {
            "project": project, "page": 1, "page_size": size, "resolve_uri": "false", "query": orjson.dumps(query).decode()
        }  # fmt: skip
        if full:
            params["fields"] = "all"
        elif include:
            params["include"] = include
        return cast(Fields, self.get("/api/tasks", **params))

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
            raise LabelloopError(
                f"{self.url} answers, and is no Label Studio: LABEL_STUDIO_URL must be the address of one"
            )
        fields = cast(Fields, found)
        return Person(int(fields["id"]), str(fields["email"]))

    def _is_personal(self) -> bool:
        return self._token.count(".") == 2

    def _authorization(self) -> str:
        if not self._is_personal():
            return f"Token {self._token}"
        if time.monotonic() - self._made > _ACCESS_SECONDS or not self._access:
            answer = self._http.post("/api/token/refresh", json={"refresh": self._token})
            _refuse_away(self.url, answer)
            told = _told(answer).replace(self._token, "...")  # a server may quote what it was sent
            if answer.status_code in (400, 401, 403):
                raise DeskRefused(f"{self.url} does not take the personal access token: {told}", 401)
            if answer.status_code != 200:
                raise DeskRefused(f"{self.url} gives no access token: {answer.status_code} {told}", 500)
            fields = _json(self.url, "POST", "/api/token/refresh", answer)
            if not isinstance(fields, dict) or "access" not in fields:
                raise LabelloopError(
                    f"{self.url} answers, and is no Label Studio: LABEL_STUDIO_URL must be the address of one"
                )
            self._access, self._made = str(cast(Fields, fields)["access"]), time.monotonic()
        return f"Bearer {self._access}"

    def _ask(self, method: str, path: str, body: object = None, params: Mapping[str, Any] | None = None) -> Any:
        answer = self._send(method, path, body=body, params=params)
        _refuse_away(self.url, answer)
        if answer.status_code >= 400:
            text = f"Label Studio refused {method} {path}: {answer.status_code} {_told(answer)}"
            raise DeskRefused(text, answer.status_code)
        if not answer.content:
            return None
        return _json(self.url, method, path, answer)

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
                    raise DeskAway(f"no answer from Label Studio at {self.url}: {error}") from error
                time.sleep(0.2 * (attempt + 1))
        raise AssertionError  # the loop returns or raises


def _selected(ids: Sequence[int]) -> Fields:
    return {"selectedItems": {"all": False, "included": list(ids)}}


def _json(url: str, method: str, path: str, answer: httpx.Response) -> Any:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        raise LabelloopError(f"{url} answers {method} {path} with something that is no JSON") from error


def _refuse_away(url: str, answer: httpx.Response) -> None:
    if answer.status_code in _AWAY:
        raise DeskAway(f"Label Studio at {url} is not there just now: {answer.status_code} {_told(answer)}")


def _told(answer: httpx.Response) -> str:
    """What an error answer says, on one line and not too long."""
    try:
        found = cast(object, answer.json())
    except ValueError:
        found = answer.text
    if isinstance(found, dict):
        fields = cast(Fields, found)
        found = fields.get("validation_errors") or fields.get("detail") or fields
    return " ".join(str(found).split())[:500]
