"""XML label files: read in the encoding that they are in, refused where they want more than to be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelloop.datasets.xml_files import read_xml


def written(root: Path, data: str | bytes, encoding: str = "utf-8") -> Path:
    (root / "a.xml").write_bytes(data if isinstance(data, bytes) else data.encode(encoding))
    return root / "a.xml"


@pytest.mark.parametrize(
    ("head", "encoding", "label"),
    [
        ('<?xml version="1.0" encoding="EUC-KR"?>', "euc-kr", "천원"),
        ("<?xml version='1.0' encoding='ks_c_5601-1987' standalone='yes'?>", "euc-kr", "천원"),
        ('<?xml version="1.0" encoding="euc-kr"?>', "cp949", "뷁"),
        ('<?xml version="1.0" encoding="GB2312"?>', "gb18030", "𠮷"),
        ('<?xml version="1.0" encoding="iso-8859-1"?>', "latin-1", "café"),
        ('<?xml version="1.0" encoding="windows-1252"?>', "cp1252", "café €"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16", "천원"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "utf-16-be", "천원"),
        ("", "utf-16", "천원"),
        ('<?xml version="1.0"?>', "utf-32", "천원"),
        ('<?xml version="1.0" encoding="utf-16"?>', "utf-8", "천원"),
        ('<?xml version="1.0" encoding="utf-8"?>', "utf-8-sig", "천원"),
        ("", "utf-8-sig", "천원"),
    ],
)
def test_a_file_is_read_in_the_encoding_that_it_says(tmp_path: Path, head: str, encoding: str, label: str) -> None:
    assert read_xml(written(tmp_path, f"{head}<name>{label}</name>", encoding)).text == label


@pytest.mark.parametrize("encoding", ["cp949", "utf-8"])
def test_an_encoding_that_is_given_goes_before_what_a_file_says(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, '<?xml version="1.0" encoding="iso-8859-1"?><name>천원</name>', encoding)
    assert read_xml(path, encoding).text == "천원"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("<a>천원</a>".encode("cp949"), "file is not utf-8 text"),
        (b'<?xml version="1.0" encoding="euc-kr"?><a>\xff</a>', "file is not cp949 text"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "file is not klingon text"),
        (b'<?xml version="1.0" encoding="rot13"?><a/>', "file is not rot-13 text"),
        (b'<?xml version="1.0" encoding="base64"?><a/>', "file is not base64 text"),
        (b'<?xml version="1.0" encoding="unicode_escape"?><a/>', "file must declare the encoding of its text"),
        (b"\xff\xfe<\0a\0/", "file is not utf-16 text"),
        (b"\xff\xfe<\0a\0", "file is no XML that can be trusted"),
        (b"<a>" * 100 + b"</a>" * 100, "file is nested too deep"),
        (b"<a>" * 100_000 + b"</a>" * 100_000, "file is nested too deep"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_xml(written(tmp_path, data))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "entity",
    [
        '<!ENTITY e SYSTEM "file:///etc/passwd">',
        '<!ENTITY e PUBLIC "x" "http://127.0.0.1/">',
        '<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;',
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY e "&b;&b;&b;&b;">',
    ],
)
def test_entities_are_refused(tmp_path: Path, entity: str, encoding: str) -> None:
    with pytest.raises(ValueError, match="file is no XML that can be trusted"):
        read_xml(written(tmp_path, f"<!DOCTYPE a [{entity}]><a>&e;</a>", encoding))
