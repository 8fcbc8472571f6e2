"""Lists of pictures that make splits: ImageSets/Main/train.txt, trainval.txt, test.txt."""

from collections.abc import Iterable
from pathlib import Path

from kerascnn.data.annotations.form.raw import RawImage, RawSet
from kerascnn.data.annotations.form.structure import SPLITS
from kerascnn.data.annotations.parsing.files import same_name, split_of_name
from kerascnn.data.annotations.parsing.text import read_lines
from kerascnn.data.folders.folder import SkippedFile, looks_like_an_image


def _find_lists(places: Iterable[Path], root: Path, kind: str) -> dict[str, Path]:
    """Returns the list of each split; trainval is train where no train is."""
    above = [folder for place in places for folder in (place, *place.parents)]
    tops = [folder for folder in dict.fromkeys(above) if folder == root or root in folder.parents]
    folders = [
        folder
        for top in dict.fromkeys([root, *tops])
        for folder in (top / "ImageSets" / kind, top / "ImageSets", top / "splits", top)
    ]
    for folder in folders:
        if not folder.is_dir():
            continue
        texts = [path for path in sorted(folder.glob("*.txt")) if path.is_file()]
        lists = {split: path for path in texts if (split := split_of_name(path.stem))}
        both = [path for path in texts if path.stem.lower() == "trainval"]
        if both:
            lists.setdefault("train", both[0])
        if "train" in lists:
            return {split: lists[split] for split in SPLITS if split in lists}
    return {}


def read_split_lists(
    places: Iterable[Path], root: Path, kind: str, images: list[tuple[RawImage, str]], raw: RawSet
) -> list[RawImage]:
    """Returns the images with the splits of the source's lists; those in no list are left out.

    Args:
        places: Folders of annotations: lists lie beside or above them.
        root: The folder of the source, above which nothing is looked for.
        kind: The sub-folder of ImageSets, "Main" or "Segmentation". Lists may also lie in
            ImageSets, in `splits` or in the root itself.
        images: Each with the name that lists give it.
        raw: Gets the notes.
    """
    if any(image.split for image, _ in images):
        return [image for image, _ in images]
    lists = _find_lists(dict.fromkeys(places), root, kind)
    split_of: dict[str, str] = {}
    written: dict[str, str] = {}
    for split, path in lists.items():
        for line in read_lines(path):
            # "name", "name 1" or "name 1 1 2": what follows the name is no matter of splits.
            own = line.split()[0].replace("\\", "/").rsplit("/", 1)[-1]
            own = Path(own).stem if looks_like_an_image(Path(own)) else own
            name = same_name(own)
            written.setdefault(name, own)
            if split_of.setdefault(name, split) != split:
                raw.tally.add("pictures in the lists of two splits, kept in the last", name)
                split_of[name] = split
    known = {same_name(name) for _, name in images}
    if not known & split_of.keys():
        return [image for image, _ in images]
    kept = []
    for image, name in images:
        image.split = split_of.get(same_name(name))
        if image.split is None:
            raw.skipped.append(SkippedFile(image.path, "in no list of a split"))
        else:
            kept.append(image)
    for split in dict.fromkeys(split for split in lists if any(i.split == split for i in kept)):
        raw.notes.append(f"{split}: the source's own, {lists[split].relative_to(root)}")
    for name in sorted(split_of.keys() - known):
        raw.tally.add("names in lists of splits without an annotation, not used", written[name])
    return kept
