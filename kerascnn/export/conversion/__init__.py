"""From a Keras model to a float32 `.tflite` file."""
