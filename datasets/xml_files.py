"""Label files in XML: read in the encoding that they are in, without entities, and not too deep.

Reference: https://www.w3.org/TR/xml/#sec-guessing, how the encoding of an XML file is told.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from .label_files import decode, marked_encoding, read_bytes

MAX_DEPTH = 64
"""Elements inside one another; VOC has four."""

_DECLARED = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._:-]*)["']""")
_WIDER = {"euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030"}
"""Encodings that are declared for what is really their superset: Windows calls cp949 euc-kr."""
_NO_CHARSETS = frozenset({"unicode-escape", "raw-unicode-escape", "utf-7", "idna", "punycode", "undefined"})


def read_xml(path: Path | str, encoding: str = "") -> Element:
    """The root of an XML file.

    Args:
        encoding: goes before what the file says; "" takes its byte order mark or declaration, else UTF-8.

    Raises:
        ValueError: it cannot be read, is not in its encoding, is no XML, defines entities, or nests too deep.
    """
    data = read_bytes(path)
    return parse_xml(decode(data, encoding or declared_encoding(data)))


def declared_encoding(data: bytes) -> str:
    """The encoding of an XML file by its mark, its first bytes or its declaration; "" where nothing says one."""
    marked = marked_encoding(data)
    if marked:
        return marked
    if data[:2] in (b"<\0", b"\0<"):
        return "utf-16-le" if data[0] else "utf-16-be"
    found = _DECLARED.match(data[:1000])
    if not found:
        return ""
    named = found[1].decode("ascii")
    try:
        known = codecs.lookup(named).name
    except LookupError:
        return named
    if known.startswith(("utf-16", "utf-32")):
        return ""  # .NET writes so into UTF-8 files: the declaration could not have been read if it were true
    if known in _NO_CHARSETS:
        raise ValueError(f"file must declare the encoding of its text, received {named}")
    return _WIDER.get(known, known)


def parse_xml(text: str) -> Element:
    """The root of an XML text, entities and external references refused.

    Raises:
        ValueError: no XML, one with a document type that defines entities, or one that nests too deep.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(text)
    except (ParseError, DefusedXmlException, RecursionError, ValueError) as error:
        raise ValueError(f"file is no XML that can be trusted: {error}") from error
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return root
    raise ValueError("file is nested too deep")
