"""Which image files of a folder are masks, and of which pictures."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kerascnn.data.annotations.parsing.files import same_name, split_of, walk
from kerascnn.data.folders.folder import looks_like_an_image
from kerascnn.errors import DataError
from kerascnn.names import first_few, shown

_MASK_FOLDERS = frozenset(
    {
        *("mask", "masks", "label", "labels", "annotation", "annotations", "annot", "annots", "gt"),
        *("gts", "groundtruth", "segmentation", "segmentations", "segmentationclass", "gtfine"),
        *("segmentationclassaug", "segmentationmasks", "trimap", "trimaps", "semantic", "seg"),
        *("semanticmasks", "segs", "target", "targets", "labelids", "labelimages", "maskimages"),
    }
)
_MASK_ENDINGS = ("annot", "_label", "_labels", "_mask", "_masks", "_gt", "_seg")
# Folders of other pictures than photos and classes of pixels.
_OTHER_FOLDERS = frozenset({"segmentationobject", "visualization", "visualizations", "overlay"})
_PICTURE_ENDINGS = ("_leftimg8bit", "_sat", "_image", "_img", "_rgb")
_FLAT_ENDINGS = ("_mask", "-mask", "_label", "_labels", "_seg", "_gt", "_p", "_l")
# Of several masks of one picture, the one that holds classes.
_PREFERRED = ("_gtfine_labeltrainids", "_gtfine_labelids")


@dataclass
class MaskPairs:
    """Pictures with their masks.

    Attributes:
        pairs: (split, picture, mask) of each.
        without_mask: Pictures without a mask.
        without_picture: Masks without a picture.
        folders: Folders of masks.
    """

    pairs: list[tuple[str | None, Path, Path]] = field(default_factory=list)
    without_mask: list[Path] = field(default_factory=list)
    without_picture: list[Path] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)


def find_mask_pairs(root: Path, pictures: Path | None = None) -> MaskPairs:
    """Returns the pictures below a folder and their masks.

    Masks lie in folders of their own (masks, labels, annotations, SegmentationClass, trimaps,
    trainannot...) beside those of the pictures, with the same stem or one that has something more
    ("_mask", "_P"); or beside the pictures themselves.

    Args:
        root: The folder of the source.
        pictures: The folder of the pictures, None to look for it below `root`.
    """
    masks: list[_Folder] = []
    photos: list[_Folder] = []
    for folder in _folders(root):
        if pictures is None:
            (masks if folder.is_mask else photos).append(folder)
        elif folder.path != pictures and pictures not in folder.path.parents:
            masks.append(folder)
    if pictures is not None:
        photos = list(_folders(pictures))
    found = MaskPairs(folders=[folder.path for folder in masks])
    if masks:
        _pair_folders(masks, photos, found)
    else:
        for folder in photos:
            _pair_within(folder, found)
    return found


@dataclass(frozen=True)
class _Folder:
    """A folder with images in it."""

    path: Path
    images: list[Path]
    is_mask: bool
    split: str | None


def _folders(top: Path) -> Iterator[_Folder]:
    for path, files in walk(top):
        images = [path / name for name in files if looks_like_an_image(Path(name))]
        parts = path.relative_to(top).parts
        if images and not any(_letters(part) in _OTHER_FOLDERS for part in parts):
            is_mask = any(_is_mask_folder(part) for part in parts)
            yield _Folder(path, images, is_mask, split_of(path, top))


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())


def _is_mask_folder(name: str) -> bool:
    lower = name.lower().rstrip("0123456789")
    return _letters(name) in _MASK_FOLDERS or lower.endswith(_MASK_ENDINGS)


def _pair_folders(masks: list[_Folder], photos: list[_Folder], found: MaskPairs) -> None:
    """Pairs each folder of masks with the folder of pictures that has most of its stems."""
    unused: dict[Path, list[Path]] = {}
    for folder in masks:
        best: tuple[tuple[bool, int], _Folder, dict[Path, Path]] | None = None
        for other in photos:
            matched = match_stems(other.images, folder.images)
            rank = other.split == folder.split, len(matched)
            if matched and (best is None or rank > best[0]):
                best = rank, other, matched
        if best is None:
            found.without_picture += folder.images
            continue
        _, other, matched = best
        split = folder.split or other.split
        found.pairs += [(split, picture, mask) for picture, mask in matched.items()]
        known = set(matched.values())
        found.without_picture += [path for path in folder.images if path not in known]
        rest = unused.get(other.path, other.images)
        unused[other.path] = [path for path in rest if path not in matched]
    for paths in unused.values():
        found.without_mask += paths


def _pair_within(folder: _Folder, found: MaskPairs) -> None:
    """Pairs the files of one folder: 1.jpg with 1.png, or with 1_mask.png."""
    files = folder.images
    by_stem: dict[str, list[Path]] = {}
    for path in files:
        by_stem.setdefault(same_name(path.stem), []).append(path)
    pairs: dict[Path, Path] = {}
    for stem, paths in by_stem.items():
        jpegs = [path for path in paths if path.suffix.lower() in (".jpg", ".jpeg")]
        others = [path for path in paths if path.suffix.lower() == ".png"]
        if len(jpegs) == len(others) == 1:
            pairs[jpegs[0]] = others[0]
        for ending in _FLAT_ENDINGS:
            base = by_stem.get(stem.removesuffix(ending), [])
            if stem.endswith(ending) and len(base) == 1 and len(paths) == 1:
                pairs[base[0]] = paths[0]
    if 2 * len(pairs) < len(files) - len(pairs):
        return  # a few names that look alike among many pictures
    known = {*pairs, *pairs.values()}
    found.folders.append(folder.path)
    found.pairs += [(folder.split, *pair) for pair in pairs.items()]
    found.without_mask += [path for path in files if path not in known]


def match_stems(pictures: Iterable[Path], masks: Iterable[Path]) -> dict[Path, Path]:
    """Returns the mask of each picture: of the same stem, or with more before or behind it.

    Raises:
        DataError: One picture has several masks and nothing tells which.
    """
    by_stem = {_picture_key(path): path for path in pictures}
    stems = {path: same_name(path.stem) for path in masks}
    matched: dict[Path, Path] = {}
    votes: Counter[tuple[str, str]] = Counter()
    affixes: dict[Path, tuple[str, tuple[str, str]]] = {}
    for mask, stem in stems.items():
        if stem in by_stem:
            matched[by_stem[stem]] = mask
        elif parts := _affix(stem, by_stem):
            affixes[mask] = parts
            votes[parts[1]] += 1
    if matched or not votes:
        return matched
    top = [affix for affix, count in votes.items() if count == max(votes.values())]
    preferred = [affix for affix in _preferred_first(votes) if affix in votes]
    if len(top) > 1 and not preferred and max(votes.values()) > 1:
        names = [f"{before}*{behind}" for before, behind in top]
        raise DataError(
            f"pictures have several masks each: {first_few(names)}. Expected one. Keep the masks "
            f"of one kind in {shown(next(iter(stems)).parent)}."
        )
    chosen = preferred[0] if preferred else top[0]
    return {by_stem[stem]: mask for mask, (stem, affix) in affixes.items() if affix == chosen}


def _preferred_first(votes: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    return [("", ending) for ending in _PREFERRED if ("", ending) in votes]


def _picture_key(path: Path) -> str:
    stem = same_name(path.stem)
    for ending in _PICTURE_ENDINGS:
        stem = stem.removesuffix(ending)
    return stem


def _affix(stem: str, by_stem: Mapping[str, Path]) -> tuple[str, tuple[str, str]] | None:
    """Returns the longest picture's stem that begins or ends a mask's, and what is around it."""
    for length in range(len(stem) - 1, 0, -1):
        if stem[:length] in by_stem and not stem[length].isalnum():
            return stem[:length], ("", stem[length:])
        if stem[-length:] in by_stem and not stem[-length - 1].isalnum():
            return stem[-length:], (stem[:-length], "")
    return None
