// One .tflite file of a bundle in LiteRT.js: raw pixels in, real numbers out.

import {Tensor, loadAndCompile, loadLiteRt} from "@litertjs/core";
import {isBinary} from "./bundle.js";

const ARRAYS = {float32: Float32Array, uint8: Uint8Array}; // what LiteRT.js passes in and out
let loading = null;

/** Whether LiteRT.js can pass a file's input and output: not int8 and int16. */
export function runsHere(file) {
  return [file.input, ...file.outputs].every(({dtype}) => dtype in ARRAYS);
}

export class Classifier {
  constructor(manifest, file, model) {
    Object.assign(this, {manifest, file, model});
  }

  /** Loads the runtime on first use, then the file; `accelerator` is "wasm" or "webgpu". */
  static async open(bundle, file, accelerator) {
    if (!runsHere(file)) {
      throw new Error(
        `${file.path} takes ${file.input.dtype}: LiteRT.js needs uint8 or float32. ` +
          "Export with --target litert-js.",
      );
    }
    loading ??= loadLiteRt(new URL("node_modules/@litertjs/core/wasm/", import.meta.url).href);
    await loading;
    const model = await loadAndCompile(bundle.read(file.path), {accelerator});
    const classifier = new Classifier(bundle.manifest, file, model);
    try {
      const shapes = bundle.manifest.outputs.map(({shape}) => shape);
      classifier.compare(model.getInputDetails(), [bundle.manifest.input.shape], [file.input], "input");
      classifier.compare(model.getOutputDetails(), shapes, file.outputs, "output");
    } catch (error) {
      classifier.close();
      throw error;
    }
    return classifier;
  }

  compare(tensors, shapes, stored, side) {
    const found = tensors.map(({dtype, shape}) => `${dtype} [${[...shape]}]`);
    const wanted = stored.map(({dtype}, i) => `${dtype} [${shapes[i]}]`);
    if (`${found}` !== `${wanted}`) {
      throw new Error(`${this.file.path}: ${side} is ${found}, the manifest says ${wanted}`);
    }
  }

  /** Real outputs, an array for each, for pixels [H, W, C] of 0 to 255. */
  async run(pixels) {
    const {input, outputs} = this.file;
    const values = ARRAYS[input.dtype].from(pixels, (pixel) =>
      input.dtype === "float32"
        ? pixel
        : Math.min(255, Math.max(0, Math.floor(pixel / input.scale + 0.5) + input.zero_point)),
    );
    const tensor = new Tensor(values, this.manifest.input.shape);
    let results = [];
    try {
      results = await this.model.run(tensor);
      const stored = await Promise.all(results.map((result) => result.data()));
      return outputs.map(({dtype, scale, zero_point}, i) =>
        dtype === "float32"
          ? Float32Array.from(stored[i])
          : Float32Array.from(stored[i], (value) => (value - zero_point) * scale),
      );
    } finally {
      tensor.delete();
      for (const result of results) result.delete();
    }
  }

  close() {
    this.model.delete();
  }
}

/** The largest of any number of values: Math.max(...values) has no room for those of a map. */
export function largestOf(values) {
  return values.reduce((largest, value) => Math.max(largest, value), -Infinity);
}

/** What to show of an output, best first: {index, value, share of a full bar or null, given}. */
export function best(values, output, count) {
  const {kind, thresholds} = output;
  let chances = Array.from(values);
  if (!chances.every(Number.isFinite)) throw new Error("the model answers with what is no number");
  if (kind === "quantities") {
    return chances.map((value, index) => ({index, value, share: null, given: true}));
  }
  if (isBinary(output)) chances = [1 - chances[0], chances[0]];
  if (kind === "logits") {
    const largest = largestOf(chances);
    const powers = chances.map((value) => Math.exp(value - largest));
    const sum = powers.reduce((total, power) => total + power, 0);
    chances = powers.map((power) => power / sum);
  }
  return chances
    .map((value, index) => ({index, value, share: value, given: value > (thresholds?.[index] ?? 1)}))
    .sort((a, b) => b.value - a.value)
    .map((answer, place) => (thresholds ? answer : {...answer, given: place === 0}))
    .slice(0, count);
}
