"""What people call training, validation and test sets."""

import re

SPLITS = ("train", "validation", "test")
WORDS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
# What may stand before or behind the word: training_set, test-images, seg_train, Train Data.
_BESIDE = r"(?:set|split|data|dataset|images|imgs|img|photos|pictures|folder|seg)"
_NAME = re.compile(rf"(?:{_BESIDE}[\W_]*)?({'|'.join(WORDS)})(?:[\W_]*{_BESIDE})?")


def split_of(name: str) -> str | None:
    """Returns the split that a folder or cell of such a name stands for, None if for none."""
    found = _NAME.fullmatch(name.strip().lower())
    return WORDS[found.group(1)] if found else None
