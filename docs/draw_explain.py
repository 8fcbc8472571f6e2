"""Draws docs/explain.jpg: what methods of attribution say about two photos and three classes.

And docs/ladybug.jpg, the first photo alone, for the README.

    python docs/draw_explain.py LADYBUG DAISY WEIGHTS

The picture in docs/explain.md is made of dandelion/5109496141_8dcf673d43_n.jpg and
daisy/3098641292_76c908ba1f_n.jpg of tf_flowers, with the ImageNet weights that keras.applications
publishes for MobileNet of alpha 0.25.
"""

import argparse
from pathlib import Path

import numpy as np

import kerascnn
from kerascnn import data
from kerascnn.visualize import attribute, plot_attributions
from kerascnn.weights import imagenet

OUT = Path(__file__).with_name("explain.jpg")
FIRST = Path(__file__).with_name("ladybug.jpg")
CLASSES = ("ladybug", "daisy", "bee")
METHODS = {
    "saliency": {},
    "smooth-grad": {},
    "guided": {},
    "integrated": {"steps": 100},
    "occlusion": {"patch": 48, "stride": 8},
    "grad-cam": {},
    "grad-cam++": {},
    "score-cam": {"channels": None},
    "layer-cam": {},
}


def main() -> None:
    """Writes the picture as JPEG: mostly photos and noise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ladybug", type=Path)
    parser.add_argument("daisy", type=Path)
    parser.add_argument("weights", help="of MobileNet with alpha 0.25: a file or published tag")
    options = parser.parse_args()
    model = kerascnn.create_model("MobileNet", alpha=0.25, weights=options.weights)
    rule = data.ResizeRule(fit="crop")
    paths = (options.ladybug, options.daisy, options.daisy)
    images = np.stack([data.load_image(path, 224, 3, rule) for path in paths])
    names = [known.name for known in imagenet.classes()]
    classes = [names.index(name) for name in CLASSES]
    chances = np.asarray(model(images, training=False))[np.arange(len(classes)), classes]
    titles = [f"{n}, {100 * c:.0f} %" for n, c in zip(CLASSES, chances, strict=True)]
    found = {
        name: attribute(model, images, name, classes, **given) for name, given in METHODS.items()
    }
    first = {name: maps[:1] for name, maps in found.items()}
    for path, chosen, maps in ((OUT, slice(None), found), (FIRST, slice(1), first)):
        figure = plot_attributions(images[chosen], maps, titles[chosen], columns=5)
        figure.savefig(path, dpi=84, pil_kwargs={"quality": 74, "optimize": True})


if __name__ == "__main__":
    main()
