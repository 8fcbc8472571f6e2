"""Writes kerascnn/weights/imagenet_classes.txt: the 1000 classes in the order of published weights.

Names are torchvision's (the "categories" of its weights' metadata, BSD-3-Clause), WordNet ids
timm's (`timm/data/_info/imagenet_synsets.txt`, Apache-2.0). Run it with the environment that
tests/models/golden/torch_oracle.py describes:

    python tests/weights/make_imagenet_classes.py
"""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "models" / "golden"))

from torch_oracle import timm, torchvision  # noqa: E402

TARGET = REPOSITORY / "kerascnn" / "weights" / "imagenet_classes.txt"
HEADER = """\
# The 1000 classes of ImageNet (ILSVRC 2012) in the order of published weights: WordNet id, name.
# Names: torchvision {torchvision}, weights metadata (BSD-3-Clause). Ids: timm {timm} (Apache-2.0).
# Made by tests/weights/make_imagenet_classes.py.
"""


def main() -> None:
    names = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
    synsets = Path(timm.__file__).parent / "data" / "_info" / "imagenet_synsets.txt"
    ids = synsets.read_text(encoding="utf-8").split()
    version = torchvision.__version__.partition("+")[0]
    header = HEADER.format(torchvision=version, timm=timm.__version__)
    rows = [f"{id_} {name}" for id_, name in zip(ids, names, strict=True)]
    TARGET.write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{len(rows)} classes in {TARGET}")


if __name__ == "__main__":
    main()
