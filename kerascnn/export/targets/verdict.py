"""What is said about a file and a target. Standard library only."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a file runs on a kind of device client.

    Attributes:
        target: Name of the target, as after `--target`.
        title: What it is, in a few words.
        runs: Yes or no.
        because: Half sentences: every reason against, or what was found to fit.
    """

    target: str
    title: str
    runs: bool
    because: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.title}: {'yes' if self.runs else 'no'}, {'; '.join(self.because)}"
