"""What a type checker must find: a mistake in each line that ends in `# mistake`."""

import kerascnn
from kerascnn.models import LeNet5, MobileNetV2, ResNet50

ResNet50(clases=3)  # mistake
MobileNetV2(alpha="wide")  # mistake
LeNet5(input_shape=(28, 28))  # mistake
kerascnn.models.ResNet50(weights=5)  # mistake
kerascnn.data.load("photos", image_size="large")  # mistake
kerascnn.train("digits", "LeNet5", epoch=3)  # mistake
kerascnn.export.export_tflite(LeNet5())  # mistake
