// Stands in for the header of tflite-micro: the methods it has, as far as classifiers need them.
// The names are those of tflite-micro's own header, written down from there, not from kerascnn.
#pragma once

#include <string>

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

namespace tflite {
namespace micro {

template <unsigned int kCount>
struct MicroMutableOpResolver {
  std::string added;
  unsigned int count = 0;
  TfLiteStatus Add(const char* name) {
    if (count++ == kCount) return kTfLiteError;
    added += std::string(added.empty() ? "" : " ") + name;
    return kTfLiteOk;
  }
#define OPERATOR(name) \
  TfLiteStatus Add##name() { return Add(#name); }
  OPERATOR(Abs) OPERATOR(Add) OPERATOR(AveragePool2D) OPERATOR(BatchMatMul) OPERATOR(Ceil)
  OPERATOR(Concatenation) OPERATOR(Conv2D) OPERATOR(DepthToSpace) OPERATOR(DepthwiseConv2D)
  OPERATOR(Dequantize) OPERATOR(Div) OPERATOR(Elu) OPERATOR(Exp) OPERATOR(ExpandDims)
  OPERATOR(Floor) OPERATOR(FullyConnected) OPERATOR(HardSwish) OPERATOR(L2Normalization)
  OPERATOR(L2Pool2D) OPERATOR(LeakyRelu) OPERATOR(Log) OPERATOR(Logistic) OPERATOR(LogSoftmax)
  OPERATOR(Maximum) OPERATOR(MaxPool2D) OPERATOR(Mean) OPERATOR(Minimum) OPERATOR(Mul)
  OPERATOR(Neg) OPERATOR(Pack) OPERATOR(Pad) OPERATOR(PadV2) OPERATOR(Prelu) OPERATOR(Quantize)
  OPERATOR(ReduceMax) OPERATOR(Relu) OPERATOR(Relu6) OPERATOR(Reshape) OPERATOR(ResizeBilinear)
  OPERATOR(ResizeNearestNeighbor) OPERATOR(Round) OPERATOR(Rsqrt) OPERATOR(Slice)
  OPERATOR(Softmax) OPERATOR(SpaceToDepth) OPERATOR(Split) OPERATOR(Sqrt) OPERATOR(Square)
  OPERATOR(SquaredDifference) OPERATOR(Squeeze) OPERATOR(StridedSlice) OPERATOR(Sub)
  OPERATOR(BroadcastTo) OPERATOR(Cos) OPERATOR(CumSum) OPERATOR(Gather) OPERATOR(MirrorPad)
  OPERATOR(ReduceMin) OPERATOR(ReverseV2) OPERATOR(Sin) OPERATOR(SpaceToBatchNd)
  OPERATOR(Sum) OPERATOR(Tanh) OPERATOR(Transpose) OPERATOR(TransposeConv) OPERATOR(Unpack)
#undef OPERATOR
};

}  // namespace micro
}  // namespace tflite
