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
from xml.etree.ElementTree import Element, ParseError

import orjson

from .schema import Json

MAX_BYTES = 4_000_000_000
"""Label files larger than this are refused; a COCO file of a million boxes has 200 MB."""


def read_text(path: Path | str, encoding: str = "utf-8") -> str:
    """The text of a label file, without a byte order mark.

    Raises:
        ValueError: it cannot be opened, is too large, or is not in this encoding.
    """
    data = read_bytes(path)
    try:
        text = data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise ValueError(f"file is not {encoding} text ({error}); a recipe can name another encoding") from error
    return text.removeprefix("\ufeff")


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


def read_json(path: Path | str, encoding: str = "utf-8") -> dict[str, Json]:
    """The object that a JSON file holds.

    Raises:
        ValueError: it cannot be read, is no JSON, nests too deep, or is no object.
    """
    data: bytes | str = read_bytes(path)
    if encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        data = read_text(path, encoding)
    value = parse_json(data)
    if not isinstance(value, dict):
        raise ValueError(f"file must hold a JSON object, received {_name(value)}")
    return value


def parse_json(data: bytes | str) -> Json:
    """The value of a JSON text; NaN and Infinity are read as such.

    Raises:
        ValueError: no JSON, or nested too deep.
    """
    try:
        return cast(Json, orjson.loads(data))
    except orjson.JSONDecodeError as error:
        reason = str(error)
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data.removeprefix("\ufeff")
        return cast(Json, json.loads(text))
    except UnicodeDecodeError as error:
        raise ValueError(f"file is not utf-8 text ({error.reason}); a recipe can name another encoding") from error
    except RecursionError as error:
        raise ValueError("file is nested too deep") from error
    except ValueError as error:
        raise ValueError(f"file is no JSON: {reason}") from error


def parse_xml(text: str) -> Element:
    """The root of an XML text, entities and external references refused.

    Raises:
        ValueError: no XML, or one with a document type that defines entities.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        return fromstring(text)
    except (ParseError, DefusedXmlException, RecursionError, ValueError) as error:
        raise ValueError(f"file is no XML that can be trusted: {error}") from error


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
    raise ValueError(f"{name} must be a number, received {_name(value)}")


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
    raise ValueError(f"{name} must be text, received {_name(value)}")


def _name(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}..."
