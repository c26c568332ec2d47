# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The package: the same bytes from the same sources, and nothing in it that Lambda does not have."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.package import (
    COLLECTION,
    Package,
    build,
    holds,
    write_if_different,
)


def names(content: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(content)).namelist()


def test_the_same_sources_give_the_same_bytes_anywhere(tmp_path: Path) -> None:
    for folder in ("plugins/module_utils/rotation", "lambda_src"):
        shutil.copytree(COLLECTION / folder, tmp_path / folder)
    for path in tmp_path.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    (tmp_path / "lambda_src" / "notes.txt").write_text("not for Lambda")
    assert build(tmp_path) == build()
    (tmp_path / "lambda_src" / "noop.py").write_text("handler = None\n")
    assert build(tmp_path) != build()


def test_what_is_in_it() -> None:
    archive = zipfile.ZipFile(io.BytesIO(build()))
    found = archive.namelist()
    assert found == sorted(found)
    assert {"iam_access_key.py", "noop.py", "rotation/__init__.py", "rotation/protocol.py"} <= set(found)
    assert all("/" not in name or name.startswith("rotation/") for name in found)
    for entry in archive.infolist():
        assert entry.compress_type == zipfile.ZIP_STORED
        assert (entry.date_time, entry.external_attr >> 16, entry.create_system) == ((1980, 1, 1, 0, 0, 0), 0o644, 3)


def test_the_digests() -> None:
    package = Package(b"zip")
    assert package.sha256 == hashlib.sha256(b"zip").hexdigest()
    assert base64.b64decode(package.code_sha256).hex() == package.sha256


def test_an_incomplete_collection_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="install the collection again"):
        build(tmp_path)


def test_the_file_is_written_in_one_step_and_only_if_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "build" / "rotation.zip"
    assert not holds(path, b"one")
    write_if_different(b"one", path)
    assert holds(path, b"one")
    before = path.stat()
    write_if_different(b"one", path)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    write_if_different(b"two", path)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [item.name for item in path.parent.iterdir()] == ["rotation.zip"]
