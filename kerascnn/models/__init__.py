"""Model factories, one per variant, with the keywords of keras.applications."""

from kerascnn.models.lenet import LeNet5 as LeNet5
from kerascnn.models.lenet import LeNet5Original as LeNet5Original
from kerascnn.models.lenet import LeNet1989 as LeNet1989

__all__ = ["LeNet1989", "LeNet5", "LeNet5Original"]
