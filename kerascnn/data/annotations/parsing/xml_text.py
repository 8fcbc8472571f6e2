"""Reading an XML file of unknown origin: without document types, hence without entities."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from kerascnn.data.annotations.parsing.text import read_bytes
from kerascnn.errors import DataError
from kerascnn.names import shown


class _Builder(ElementTree.TreeBuilder):
    """Refuses a document type before its entities are read.

    Entities that expand to more entities fill the memory, external ones open other files.
    """

    def doctype(self, name: str, pubid: str | None, system: str | None) -> Any:
        """Called by the parser at `<!DOCTYPE`."""
        raise _DocumentTypeError


class _DocumentTypeError(Exception):
    pass


def read_xml(path: Path) -> ElementTree.Element:
    """Returns the root element of an XML file.

    Raises:
        DataError: The file cannot be read, is no XML, or has a document type (DOCTYPE).
    """
    content = read_bytes(path)
    try:
        return ElementTree.fromstring(content, ElementTree.XMLParser(target=_Builder()))
    except _DocumentTypeError:
        raise DataError(
            f"{shown(path)} has a DOCTYPE, which may hold entities that fill the memory or open "
            "other files. Expected XML without one. Remove the DOCTYPE."
        ) from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DataError(f"{shown(path)} is not valid XML: {shown(error)}.") from error


def text_of(element: ElementTree.Element, path: str) -> str:
    """Returns the text below `path`, without the space around it; "" if there is none."""
    return (element.findtext(path) or "").strip()
