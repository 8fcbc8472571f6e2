"""Whether a mask file fits its picture: same size, turned by EXIF, or scaled."""

from kerascnn.data.annotations.form.names import Classes
from kerascnn.data.annotations.form.orientation import place
from kerascnn.data.annotations.form.pictures import Picture
from kerascnn.data.annotations.form.raw import RawImage, RawSet
from kerascnn.data.annotations.form.structure import MaskFile

TURNED = "masks drawn before the EXIF orientation of their picture was applied: turned"
ASSUMED = (
    "pictures with an EXIF orientation that leaves their size as it is: masks taken as drawn on "
    "the upright picture"
)
RESIZED = "masks of another size than their picture, with the same aspect ratio: resized (nearest)"


def fit_mask(image: RawImage, picture: Picture, classes: Classes, raw: RawSet) -> MaskFile | None:
    """Returns how the mask of an image becomes one of its upright picture.

    A mask that does not fit is added to `raw.misfits`, and None returned.
    """
    if image.mask is None or image.mask_size is None:
        return None
    size = picture.width, picture.height
    placement = place(image.mask_size, size, picture.orientation)
    if placement is None:
        width, height = image.mask_size
        raw.misfits.append(
            f"{image.mask.name} has {width}x{height} pixels, {image.path.name} has "
            f"{picture.width}x{picture.height}"
        )
        return None
    if placement.orientation > 1:
        raw.tally.add(TURNED, image.mask.name)
    elif picture.orientation > 1 and (picture.orientation < 5 or size[0] == size[1]):
        raw.tally.add(ASSUMED, image.path.name)
    if placement.scale_x != 1 or placement.scale_y != 1:
        raw.tally.add(RESIZED, image.mask.name)
    foreground = classes.names.index(image.foreground) if image.foreground else None
    present = image.mask_classes
    if foreground is not None:
        present = tuple(foreground if label == 1 else label for label in present)
    return MaskFile(image.mask, present, placement.orientation, foreground)
