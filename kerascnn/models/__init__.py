"""Model factories, one per variant, with the keywords of keras.applications."""

from kerascnn.models.alexnet import AlexNet as AlexNet
from kerascnn.models.cifar_resnet import PlainNet20 as PlainNet20
from kerascnn.models.cifar_resnet import PlainNet32 as PlainNet32
from kerascnn.models.cifar_resnet import PlainNet44 as PlainNet44
from kerascnn.models.cifar_resnet import PlainNet56 as PlainNet56
from kerascnn.models.cifar_resnet import ResNet20 as ResNet20
from kerascnn.models.cifar_resnet import ResNet32 as ResNet32
from kerascnn.models.cifar_resnet import ResNet44 as ResNet44
from kerascnn.models.cifar_resnet import ResNet56 as ResNet56
from kerascnn.models.cifar_resnet import ResNet110 as ResNet110
from kerascnn.models.convnext import ConvNeXtBase as ConvNeXtBase
from kerascnn.models.convnext import ConvNeXtLarge as ConvNeXtLarge
from kerascnn.models.convnext import ConvNeXtSmall as ConvNeXtSmall
from kerascnn.models.convnext import ConvNeXtTiny as ConvNeXtTiny
from kerascnn.models.convnext import ConvNeXtXLarge as ConvNeXtXLarge
from kerascnn.models.densenet import DenseNet121 as DenseNet121
from kerascnn.models.densenet import DenseNet161 as DenseNet161
from kerascnn.models.densenet import DenseNet169 as DenseNet169
from kerascnn.models.densenet import DenseNet201 as DenseNet201
from kerascnn.models.efficientnet import EfficientNetB0 as EfficientNetB0
from kerascnn.models.efficientnet import EfficientNetB1 as EfficientNetB1
from kerascnn.models.efficientnet import EfficientNetB2 as EfficientNetB2
from kerascnn.models.efficientnet import EfficientNetB3 as EfficientNetB3
from kerascnn.models.efficientnet import EfficientNetB4 as EfficientNetB4
from kerascnn.models.efficientnet import EfficientNetB5 as EfficientNetB5
from kerascnn.models.efficientnet import EfficientNetB6 as EfficientNetB6
from kerascnn.models.efficientnet import EfficientNetB7 as EfficientNetB7
from kerascnn.models.efficientnet_lite import EfficientNetLite0 as EfficientNetLite0
from kerascnn.models.efficientnet_lite import EfficientNetLite1 as EfficientNetLite1
from kerascnn.models.efficientnet_lite import EfficientNetLite2 as EfficientNetLite2
from kerascnn.models.efficientnet_lite import EfficientNetLite3 as EfficientNetLite3
from kerascnn.models.efficientnet_lite import EfficientNetLite4 as EfficientNetLite4
from kerascnn.models.enet import ENet as ENet
from kerascnn.models.features import features as features
from kerascnn.models.googlenet import GoogLeNet as GoogLeNet
from kerascnn.models.imagenet import decode_predictions as decode_predictions
from kerascnn.models.inception import InceptionResNetV2 as InceptionResNetV2
from kerascnn.models.inception import InceptionV3 as InceptionV3
from kerascnn.models.inception import InceptionV4 as InceptionV4
from kerascnn.models.lenet import LeNet5 as LeNet5
from kerascnn.models.lenet import LeNet5Original as LeNet5Original
from kerascnn.models.lenet import LeNet1989 as LeNet1989
from kerascnn.models.mlp import MLP as MLP
from kerascnn.models.mobilenet import MobileNet as MobileNet
from kerascnn.models.mobilenet_v2 import MobileNetV2 as MobileNetV2
from kerascnn.models.mobilenet_v3 import MobileNetV3Large as MobileNetV3Large
from kerascnn.models.mobilenet_v3 import MobileNetV3Small as MobileNetV3Small
from kerascnn.models.nin import NIN as NIN
from kerascnn.models.nin import NINImageNet as NINImageNet
from kerascnn.models.nin import NINRoot as NINRoot
from kerascnn.models.resnet import PlainNet18 as PlainNet18
from kerascnn.models.resnet import PlainNet34 as PlainNet34
from kerascnn.models.resnet import ResNet18 as ResNet18
from kerascnn.models.resnet import ResNet34 as ResNet34
from kerascnn.models.resnet import ResNet50 as ResNet50
from kerascnn.models.resnet import ResNet101 as ResNet101
from kerascnn.models.resnet import ResNet152 as ResNet152
from kerascnn.models.resnet import ResNeXt50 as ResNeXt50
from kerascnn.models.resnet import ResNeXt101 as ResNeXt101
from kerascnn.models.resnet import ResNeXt101_64x4d as ResNeXt101_64x4d
from kerascnn.models.resnet import WideResNet50_2 as WideResNet50_2
from kerascnn.models.resnet import WideResNet101_2 as WideResNet101_2
from kerascnn.models.resnet_v2 import ResNet50V2 as ResNet50V2
from kerascnn.models.resnet_v2 import ResNet101V2 as ResNet101V2
from kerascnn.models.resnet_v2 import ResNet152V2 as ResNet152V2
from kerascnn.models.root import ResNet50Root as ResNet50Root
from kerascnn.models.squeezenet import SqueezeNet1_0 as SqueezeNet1_0
from kerascnn.models.squeezenet import SqueezeNet1_1 as SqueezeNet1_1
from kerascnn.models.vgg import VGG11 as VGG11
from kerascnn.models.vgg import VGG11BN as VGG11BN
from kerascnn.models.vgg import VGG13 as VGG13
from kerascnn.models.vgg import VGG13BN as VGG13BN
from kerascnn.models.vgg import VGG16 as VGG16
from kerascnn.models.vgg import VGG16BN as VGG16BN
from kerascnn.models.vgg import VGG19 as VGG19
from kerascnn.models.vgg import VGG19BN as VGG19BN
from kerascnn.models.xception import Xception as Xception
from kerascnn.models.zfnet import ZFNet as ZFNet

__all__ = [
    "AlexNet",
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "DenseNet121",
    "DenseNet161",
    "DenseNet169",
    "DenseNet201",
    "ENet",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetLite0",
    "EfficientNetLite1",
    "EfficientNetLite2",
    "EfficientNetLite3",
    "EfficientNetLite4",
    "GoogLeNet",
    "InceptionResNetV2",
    "InceptionV3",
    "InceptionV4",
    "LeNet1989",
    "LeNet5",
    "LeNet5Original",
    "MLP",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NIN",
    "NINImageNet",
    "NINRoot",
    "PlainNet18",
    "PlainNet20",
    "PlainNet32",
    "PlainNet34",
    "PlainNet44",
    "PlainNet56",
    "ResNeXt101",
    "ResNeXt101_64x4d",
    "ResNeXt50",
    "ResNet101",
    "ResNet101V2",
    "ResNet110",
    "ResNet152",
    "ResNet152V2",
    "ResNet18",
    "ResNet20",
    "ResNet32",
    "ResNet34",
    "ResNet44",
    "ResNet50",
    "ResNet50Root",
    "ResNet50V2",
    "ResNet56",
    "SqueezeNet1_0",
    "SqueezeNet1_1",
    "VGG11",
    "VGG11BN",
    "VGG13",
    "VGG13BN",
    "VGG16",
    "VGG16BN",
    "VGG19",
    "VGG19BN",
    "WideResNet101_2",
    "WideResNet50_2",
    "Xception",
    "ZFNet",
    "decode_predictions",
    "features",
]
