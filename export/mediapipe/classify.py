#!/usr/bin/env python3
"""Names what is on a picture with MediaPipe Tasks: python classify.py MODEL.tflite photo.jpg"""

import sys

from mediapipe import Image
from mediapipe.tasks.python import BaseOptions, vision

options = vision.ImageClassifierOptions(BaseOptions(model_asset_path=sys.argv[1]), max_results=5)
with vision.ImageClassifier.create_from_options(options) as classifier:
    result = classifier.classify(Image.create_from_file(sys.argv[2]))
for category in result.classifications[0].categories:
    print(f"{category.score:6.1%}  {category.category_name}")
