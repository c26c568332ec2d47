# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The rotation package: one zip for all functions, the same bytes from the same sources, wherever it is built."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[2]
"""The installed collection, or the checkout."""

_LOGIC = Path("plugins", "module_utils", "rotation")
_HANDLERS = Path("lambda_src")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644
_UNIX = 3


@dataclass(frozen=True)
class Package:
    """A built package."""

    content: bytes

    @property
    def sha256(self) -> str:
        """Hex digest."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def code_sha256(self) -> str:
        """Base64 digest, as Lambda's CodeSha256."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode()


def build(collection: Path = COLLECTION) -> bytes:
    """Zip the rotation logic (as package `rotation`) with the handlers (at the root).

    Sorted names, one date, one mode and no compression: deflated bytes would depend on the zlib of the machine.

    Raises:
        FileNotFoundError: the sources are not where a complete collection has them.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(_sources(collection)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def write_if_different(content: bytes, path: Path) -> None:
    """Write a file in one step: a reader sees the old bytes or the new ones.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    if holds(path, content):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(scratch, _MODE)
        os.replace(scratch, path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def holds(path: Path, content: bytes) -> bool:
    """Whether a file has exactly these bytes."""
    return path.is_file() and path.read_bytes() == content


def _sources(collection: Path) -> Iterator[tuple[str, bytes]]:
    logic = sorted((collection / _LOGIC).rglob("*.py"))
    handlers = sorted((collection / _HANDLERS).glob("*.py"))
    if not logic or not handlers:
        raise FileNotFoundError(f"{_LOGIC} or {_HANDLERS} is missing in {collection}; install the collection again")
    for path in logic:
        yield f"rotation/{path.relative_to(collection / _LOGIC).as_posix()}", path.read_bytes()
    for path in handlers:
        yield path.name, path.read_bytes()
