"""How other libraries call our layers: one module per family, named like it.

A module may define any of:

- `keras_name(layer) -> str`: the layer of keras.applications that holds the weights of ours. For
  a layer that Keras builds as one and we as two (separable convolutions), `(name, slice)`.
- `torch_names`: functions `layer -> prefix` of the parameters in torchvision's or timm's state
  dictionaries, tried in order.
- `BGR`: name of our first convolution, where the Keras weights expect BGR.
- `FLATTENED`: our dense layers that follow a flattening, with the (height, width, channels) that
  was flattened: PyTorch flattens channels first.
"""
