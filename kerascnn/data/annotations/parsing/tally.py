"""Counting what was mended or dropped in a source, with the first places of each."""

from kerascnn.names import shown

_SHOWN = 3


class Tally:
    """Counts by what happened; each keeps its first few places for the note."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._places: dict[str, list[str]] = {}

    def add(self, what: str, where: object = "", count: int = 1) -> None:
        """Counts `what` once (or `count` times), at `where`: a file, an annotation, a line."""
        self._counts[what] = self._counts.get(what, 0) + count
        places = self._places.setdefault(what, [])
        if len(places) < _SHOWN and (place := shown(str(where))) and place not in places:
            places.append(place)

    def notes(self) -> tuple[str, ...]:
        """One line for each thing that happened, in the order of its first place."""
        return tuple(self._note(what, count) for what, count in self._counts.items())

    def _note(self, what: str, count: int) -> str:
        places = "; ".join(self._places[what])
        if not places:
            return f"{what}: {count:,}"
        more = "; ..." if count > len(self._places[what]) else ""
        return f"{what}: {count:,} ({places}{more})"
