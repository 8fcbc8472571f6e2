"""The part of YAML that `data.yaml` of YOLO sets is written in, read strictly.

A mapping whose values are scalars, lists or mappings of scalars, in block or flow style. Values of
keys that nobody asks for are passed over, whatever they hold.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kerascnn.data.annotations.parsing.text import read_text
from kerascnn.errors import DataError
from kerascnn.names import shown

_KEY = re.compile(r"""("[^"]*"|'[^']*'|[^\s:#\[\]{},'"][^:#]*?)\s*:(?:\s+(.*))?$""")
_ITEM = re.compile(r"-\s+(.*)$")
_TOKEN = re.compile(
    r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[\[\]{},]|:(?=\s|$)|[^\[\]{},"'\s](?:[^\[\]{},:]|:(?!\s|$))*)"""
)


def read_yaml(path: Path, keys: Iterable[str]) -> dict[str, Any]:
    """Returns the values of some keys at the top level of a YAML file.

    Scalars are text; a null is None. Keys that the file lacks are left out.

    Raises:
        DataError: A value is in a form that this reader does not know, with its line.
    """
    wanted = set(keys)
    found: dict[str, Any] = {}
    block: list[tuple[int, str]] = []
    key, number = "", 0

    def close() -> None:
        if key in wanted:
            if key in found:
                raise _error(path, number, f"the key {key!r} stands twice")
            found[key] = _value(block, path)

    for number, line in enumerate(read_text(path).splitlines(), 1):
        line = _without_comment(line.rstrip())
        if not line.strip() or line in ("---", "..."):
            continue
        match = None if line[0] in " -\t" else _KEY.match(line)
        if match:
            close()
            key, block = _scalar(match[1]) or "", []
            if match[2] and match[2].strip():
                block.append((number, match[2].strip()))
        elif block or key:
            block.append((number, line))
        else:
            raise _error(path, number, "expected `key: value`")
    close()
    return found


def _value(block: list[tuple[int, str]], path: Path) -> Any:
    """The value of a key: the rest of its line, and the lines below it."""
    if not block:
        return None
    number, first = block[0]
    if first.lstrip()[0] in "[{":
        return _flow(" ".join(line for _, line in block), path, number)
    if first.lstrip()[0] in "|>&*!%@`":
        raise _error(path, number, "anchors, tags and block texts are not known here")
    if all(_ITEM.match(line.strip()) for _, line in block):
        items = (_ITEM.match(line.strip()) for _, line in block)
        return [_scalar(item[1]) for item in items if item]
    entries = [(number, _KEY.match(line.strip())) for number, line in block]
    if all(entry for _, entry in entries) and first[0] == " ":
        result: dict[str, Any] = {}
        for number, entry in entries:
            if entry is None or (name := _scalar(entry[1])) is None or name in result:
                raise _error(path, number, "a key stands twice or is empty")
            result[name] = _scalar(entry[2] or "")
        return result
    if len(block) == 1:
        return _scalar(first)
    raise _error(path, block[1][0], "expected a list of `- item` or a mapping of `key: value`")


def _flow(text: str, path: Path, number: int) -> Any:
    """A list or mapping in brackets; its parts are scalars."""
    tokens: list[str] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            if text[place:].strip():
                raise _error(path, number, f"cannot read {shown(text[place:])!r}")
            break
        tokens.append(match[1].strip())
        place = match.end()
    opening, closing = tokens[0], {"[": "]", "{": "}"}[tokens[0]]
    inner = tokens[1:-1]
    if tokens[-1] != closing or any(token in "[]{}" for token in inner):
        raise _error(path, number, f"expected one list or mapping, closed by {closing!r}")
    parts: list[list[str]] = [[]]
    for token in inner:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    if not parts[-1]:
        parts.pop()
    if opening == "[" and all(len(part) == 1 and part[0] != ":" for part in parts):
        return [_scalar(part[0]) for part in parts]
    if opening == "{" and all(len(part) in (2, 3) and part[1] == ":" for part in parts):
        return {_scalar(part[0]): _scalar(part[2]) if part[2:] else None for part in parts}
    raise _error(path, number, "expected scalars between commas")


def _scalar(text: str) -> str | None:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return None if text in ("", "~", "null", "Null", "NULL") else text


def _without_comment(line: str) -> str:
    """Cuts a comment: "#" at the start or behind a space, outside quotes."""
    quote = ""
    for place, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"" and (place == 0 or line[place - 1] in " ,[{:-"):
            quote = letter
        elif letter == "#" and (place == 0 or line[place - 1] in " \t"):
            return line[:place].rstrip()
    return line


def _error(path: Path, number: int, problem: str) -> DataError:
    return DataError(f"{shown(path)}, line {number}: {problem}. Write it as a plain YAML mapping.")
