"""Running `.tflite` files with the device's interpreter: answers, time, verification."""
