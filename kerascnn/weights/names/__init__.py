"""How other libraries call our layers: one module per family, named like it.

A module may define any of:

- `keras_name(layer) -> str`: the layer of keras.applications that holds the weights of ours. For
  a layer that Keras builds as one and we as two (separable convolutions), `(name, slice)`.
- `prepare_keras(arrays) -> arrays`: changes what a file of keras.applications holds before its
  names are looked up: other names in old files, layers that ours does without weights.
- `keras_pixels(saved) -> (scale, offset)`: of the pixels, where a file of keras.applications says
  that they are others than the family's; else None.
- `keras_names(layers, sources) -> {layer: source}`: instead, where Keras numbers layers as they
  are created (`conv2d_17`): all our names, and all names in the weight file. See `numbered`.
- `torch_names`: functions `layer -> prefix` of the parameters in torchvision's or timm's state
  dictionaries, tried in order.
- `BGR`: name of our first convolution, where the Keras weights expect BGR.
- `FLATTENED`: our dense layers that follow a flattening, with the (height, width, channels) that
  was flattened: PyTorch flattens channels first.
- `OPTIONAL`: prefixes of layers that a weight file may hold and the model need not have, in our
  names and in the others': auxiliary classifiers.
"""

import re
from collections.abc import Iterable


def numbered(names: Iterable[str], kind: str) -> list[str]:
    """The names that Keras gave to layers of one kind, in the order of their creation.

    It counts `conv2d`, `conv2d_1`, `conv2d_2` ..., and starts where the session has got to.
    """
    matches = (re.fullmatch(rf"{kind}(?:_(\d+))?", name) for name in names)
    found = [(int(match[1] or 0), match[0]) for match in matches if match]
    return [name for _, name in sorted(found)]
