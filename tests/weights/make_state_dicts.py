"""Writes state_dicts.json.xz: names and shapes of what each published PyTorch file holds.

No weights are fetched: the networks are built by torchvision and timm without memory. Run it with
the environment that tests/models/golden/torch_oracle.py describes, after editing the table of
kerascnn/catalog/published:

    python tests/weights/make_state_dicts.py
"""

import json
import lzma
import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "models" / "golden")]

from torch_oracle import timm, torch, torchvision  # noqa: E402

from kerascnn.catalog import published  # noqa: E402

TARGET = Path(__file__).with_name("state_dicts.json.xz")
# Published files of these have the auxiliary classifiers that torchvision trains with.
AUXILIARY = ("googlenet", "inception_v3")


def files() -> list[str]:
    """Names of the repositories and files in the table."""
    places = [
        entry.locate(published.Request(variant, options=entry.requires))
        for variant, entries in published.TABLE.items()
        for entry in entries
    ]
    return sorted({place.name for place in places if not isinstance(place, published.KerasFile)})


def network(file: str) -> torch.nn.Module:
    if file.startswith("timm/"):
        name = file.removeprefix("timm/")
        options = {"aux_logits": True} if name == "inception_v3.tv_in1k" else {}
        return timm.create_model(name.partition(".")[0], **options)
    # efficientnet_b0_rwightman-7f5810bc.pth: the last part may tell who trained it.
    name = re.sub(r"(_rwightman|_lukemelas|_google|-owt)?-[0-9a-f]{8}\.pth$", "", file)
    options = {"aux_logits": True, "init_weights": False} if name in AUXILIARY else {}
    return torchvision.models.get_model(name, **options)


def main() -> None:
    found = {}
    for file in files():
        with torch.device("meta"):
            state = network(file).state_dict()
        found[file] = {name: list(value.shape) for name, value in state.items()}
    text = json.dumps(found, separators=(",", ":"))
    TARGET.write_bytes(lzma.compress(text.encode(), preset=9))
    print(f"{len(found)} files, {TARGET.stat().st_size} bytes in {TARGET.name}")


if __name__ == "__main__":
    main()
