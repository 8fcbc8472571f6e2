// Stands in for the header of tflite-micro: a model is the bytes it lies in.
#pragma once

namespace tflite {
struct Model;
inline const Model* GetModel(const void* data) { return static_cast<const Model*>(data); }
}  // namespace tflite
