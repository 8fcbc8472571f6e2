"""Which image files of a folder are masks, and of which pictures."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kerascnn.data.annotations.files import same_name, split_of, walk
from kerascnn.data.annotations.text import first_few, shown
from kerascnn.data.folder import looks_like_an_image
from kerascnn.errors import DataError

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
    masks: dict[Path, list[Path]] = {}
    photos: dict[Path, list[Path]] = {}
    for top in dict.fromkeys([root, *([pictures] if pictures else [])]):
        for folder, files in walk(top):
            images = [folder / name for name in files if looks_like_an_image(Path(name))]
            parts = folder.relative_to(top).parts
            if not images or any(_letters(part) in _OTHER_FOLDERS for part in parts):
                continue
            is_mask = any(_is_mask_folder(part) for part in parts)
            (masks if is_mask else photos).setdefault(folder, images)
    if pictures:
        photos = {folder: files for folder, files in photos.items() if _is_below(folder, pictures)}
    found = MaskPairs(folders=list(masks))
    if masks:
        _pair_folders(masks, photos, root, found)
    else:
        for folder, images in photos.items():
            _pair_within(folder, images, root, found)
    return found


def _is_below(folder: Path, top: Path) -> bool:
    return folder == top or top in folder.parents


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())


def _is_mask_folder(name: str) -> bool:
    lower = name.lower().rstrip("0123456789")
    return _letters(name) in _MASK_FOLDERS or lower.endswith(_MASK_ENDINGS)


def _pair_folders(
    masks: Mapping[Path, list[Path]],
    photos: Mapping[Path, list[Path]],
    root: Path,
    found: MaskPairs,
) -> None:
    """Pairs each folder of masks with the folder of pictures that has most of its stems."""
    used: dict[Path, set[Path]] = {}
    for folder, files in masks.items():
        split = split_of(folder, root)
        best: tuple[tuple[bool, int], Path, dict[Path, Path]] | None = None
        for other, images in photos.items():
            matched = match_stems(images, files)
            rank = split_of(other, root) == split, len(matched)
            if matched and (best is None or rank > best[0]):
                best = rank, other, matched
        if best is None:
            found.without_picture += files
            continue
        _, other, matched = best
        used.setdefault(other, set()).update(matched)
        place = split or split_of(other, root)
        found.pairs += [(place, picture, mask) for picture, mask in matched.items()]
        found.without_picture += [path for path in files if path not in set(matched.values())]
    for folder, known in used.items():
        found.without_mask += [path for path in photos[folder] if path not in known]


def _pair_within(folder: Path, files: list[Path], root: Path, found: MaskPairs) -> None:
    """Pairs the files of one folder: 1.jpg with 1.png, or with 1_mask.png."""
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
    found.folders.append(folder)
    found.pairs += [(split_of(folder, root), *pair) for pair in pairs.items()]
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
