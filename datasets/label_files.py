"""Label files as text: read with limits, parsed without hanging or crashing on a hostile one.

orjson parses three times faster than `json` and refuses deep nesting; `json` is asked
again only for what orjson refuses by the letter of the standard and real tools write
all the same (NaN and Infinity).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import cast

import orjson

from .schema import Json

MAX_BYTES = 4_000_000_000
"""Label files larger than this are refused; a COCO file of a million boxes has 200 MB."""

_LONG = b"0" * 19
_DIGITS = bytes(ord("0") if chr(byte) in "0123456789" else 0 for byte in range(256))
"""Makes every digit a 0 and everything else something else: then a long number is found as fast as a text."""

_PIECE = 1 << 20

_SHOWN = 40
"""How many characters of a value a message shows."""


def read_text(path: Path | str, encoding: str = "") -> str:
    """The text of a label file, without a byte order mark; see `decode` for the encoding.

    Raises:
        ValueError: it cannot be opened, is too large, or is not in this encoding.
    """
    return decode(read_bytes(path), encoding)


def read_lines(path: Path | str, encoding: str = "") -> list[str]:
    """The lines of a text file, ended by LF, CR LF or CR; what else Unicode calls a line's end may be part of a name.

    Raises:
        ValueError: as `read_text` does.
    """
    return read_text(path, encoding).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def decode(data: bytes, encoding: str = "") -> str:
    """The text of bytes, without a byte order mark.

    Args:
        encoding: "" takes the one that a byte order mark says, else UTF-8.

    Raises:
        ValueError: they are not in this encoding, or there is no such encoding.
    """
    name = encoding or marked_encoding(data) or "utf-8"
    try:
        return data.decode(name).removeprefix("\ufeff")
    except (ValueError, LookupError) as error:
        raise ValueError(f"file is not {name} text ({error}); a recipe can name another encoding") from error


def marked_encoding(data: bytes) -> str:
    """The encoding that a byte order mark says, "" where there is no mark."""
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    return "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8" if data[:3] == b"\xef\xbb\xbf" else ""


def read_bytes(path: Path | str) -> bytes:
    """The bytes of a label file.

    Raises:
        ValueError: it cannot be opened or is too large.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            if os.fstat(file.fileno()).st_size <= MAX_BYTES:
                return file.read()
    except OSError as error:
        raise ValueError(f"file cannot be read: {error.strerror}") from error
    raise ValueError(f"file has more than {MAX_BYTES / 1e9:g} GB")


def read_json(path: Path | str, encoding: str = "", once: tuple[str, ...] = ()) -> dict[str, Json]:
    """The object that a JSON file holds.

    Args:
        once: keys that hold labels. Where one stands twice in an object, parsers take the last
            and lose the first without a word. A file that has them several times is looked
            through for any object or list that would be lost so.

    Raises:
        ValueError: it cannot be read, is no JSON, nests too deep, is no object, or has a key of `once` twice.
    """
    data: bytes | str = read_bytes(path)
    if encoding or data[:1] > b"\x7f" or b"\0" in data[:4]:
        data = decode(data, encoding or json.detect_encoding(data))
    value = parse_json(data)
    if not isinstance(value, dict):
        raise ValueError(f"file must hold a JSON object, received {describe(value)}")
    for key in once:
        if (data.count(b'"%b"' % key.encode()) if isinstance(data, bytes) else data.count(f'"{key}"')) > 1:
            _refuse_twice(decode(data) if isinstance(data, bytes) else data, once)
            break
    return value


def _refuse_twice(text: str, once: tuple[str, ...]) -> None:
    def refuse(pairs: list[tuple[str, object]]) -> dict[str, object]:
        seen: set[str] = set()
        for key, value in pairs:
            if key in seen and (key in once or isinstance(value, (dict, list))):
                raise ValueError(f"{key[:120]!r} must stand once in an object, received it twice")
            seen.add(key)
        return {}

    try:
        json.loads(text, object_pairs_hook=refuse)
    except RecursionError as error:
        raise ValueError("file is nested too deep") from error


def _has_long_integer(data: bytes) -> bool:
    """Whether 19 digits stand together that are no fraction's; looked at in pieces, since a COCO file has 100 MB."""
    for start in range(0, len(data), _PIECE):
        piece = data[start : start + _PIECE + 2 * len(_LONG)].translate(_DIGITS)
        at = piece.find(_LONG)
        while at >= 0:
            before = data[start + at - 1 : start + at]
            # Digits that go on from the piece before were looked at with that one.
            if before != b"." and not before.isdigit():
                return True
            end = piece.find(b"\0", at)
            at = piece.find(_LONG, end) if end >= 0 else -1
    return False


def parse_json(data: bytes | str) -> Json:
    """The value of a JSON text; NaN and Infinity are read as such, integers of any length, bytes as UTF-8, -16 or -32.

    Raises:
        ValueError: no JSON, or nested too deep.
    """
    try:
        value = cast(Json, orjson.loads(data))
    except orjson.JSONDecodeError as error:
        reason = str(error)
    else:
        # orjson makes a float of an integer beyond 64 bits, which is another number.
        if not _has_long_integer(data if isinstance(data, bytes) else data.encode()):
            return value
        reason = "an integer of too many digits"
    text = decode(data, json.detect_encoding(data)) if isinstance(data, bytes) else data
    try:
        return cast(Json, json.loads(text))
    except RecursionError as error:
        raise ValueError("file is nested too deep") from error
    except ValueError as error:
        raise ValueError(f"file is no JSON: {reason}") from error


def number(value: object, name: str) -> float:
    """The value as a float.

    Raises:
        ValueError: it is no number, or an integer that no float can hold.
    """
    if type(value) is float:
        return value
    if type(value) is int:
        try:
            return float(value)
        except OverflowError as error:
            raise ValueError(
                f"{name} must be a number of ordinary size, received an integer that is too large"
            ) from error
    raise ValueError(f"{name} must be a number, received {describe(value)}")


def text(value: object, name: str) -> str:
    """The value as text; numbers are written out, since labels such as 1000 occur.

    Raises:
        ValueError: it is neither text nor an integer, or holds what no file could (a lone surrogate).
    """
    if isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise ValueError(f"{name} must be text, received broken Unicode") from error
        return value
    if type(value) is int:
        return str(value)
    raise ValueError(f"{name} must be text, received {describe(value)}")


def describe(value: object) -> str:
    """A value in a few words, for a message; a huge or deep one costs no more than a small one."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(cast('list[object]', value))}"
    if value is None:
        return "null"
    if isinstance(value, str) and len(value) > _SHOWN:
        return f"{value[:_SHOWN]!r}..."
    return repr(value)[:_SHOWN]
