// Does this browser compute what Keras computed? The rule is export/CONTRACT.md's "Self-test".

import {Classifier} from "./classifier.js";
import {readGolden} from "./npz.js";

/** The golden data of a bundle, checked against its manifest. */
export async function goldenOf(bundle) {
  const {golden, input, output} = bundle.manifest;
  const wanted = [[golden.count, ...input.shape.slice(1)], [golden.count, output.shape[1]]];
  const [pixels, answers] = wanted.map((shape) => shape.reduce((product, size) => product * size, 1));
  const room = Math.min(pixels + 4 * answers + 4096, 2 ** 30);
  const {inputs, outputs} = await readGolden(bundle.read(golden.path), room);
  const kinds = inputs.data instanceof Uint8Array && outputs.data instanceof Float32Array;
  if (`${[inputs.shape, outputs.shape]}` !== `${wanted}` || !kinds) {
    throw new Error("golden.npz does not hold what the manifest says");
  }
  return {inputs: inputs.data, outputs: outputs.data, count: golden.count};
}

/** What differences are divided by: of quantities, the range of each. */
function units({ranges}, count) {
  if (!ranges) return new Array(count).fill(1);
  return ranges.map(([low, high]) =>
    Math.max(high - low, 0.01 * Math.max(Math.abs(low), Math.abs(high)), 1e-6),
  );
}

/** The share of one image's answers that are alike; null for quantities. */
function agreementOf({kind, thresholds}, found, expected) {
  if (kind === "quantities") return null;
  if (kind === "scores") {
    const alike = thresholds.filter((limit, k) => found[k] > limit === expected[k] > limit);
    return alike.length / thresholds.length;
  }
  const top = expected.indexOf(Math.max(...expected));
  return found[top] === Math.max(...found) ? 1 : 0; // a tie agrees
}

/** Replays the golden inputs through one file; never passes with a value that is no number. */
export async function selftest(bundle, golden, file, accelerator) {
  const classifier = await Classifier.open(bundle, file, accelerator);
  const {model: {classes}, output} = bundle.manifest;
  const unit = units(output, classes);
  const size = golden.inputs.length / golden.count;
  let [largest, sum, agreeing, milliseconds] = [0, 0, 0, []];
  try {
    for (let i = 0; i < golden.count; i += 1) {
      const start = performance.now();
      const found = await classifier.run(golden.inputs.subarray(i * size, (i + 1) * size));
      milliseconds.push(performance.now() - start);
      const expected = golden.outputs.subarray(i * classes, (i + 1) * classes);
      const differences = Array.from(found, (value, k) => Math.abs(value - expected[k]) / unit[k]);
      largest = Math.max(largest, ...differences);
      sum += differences.reduce((total, difference) => total + difference, 0);
      agreeing += agreementOf(output, found, expected) ?? 1;
    }
  } finally {
    classifier.close();
  }
  const mean = sum / (golden.count * classes);
  const agreement = output.kind === "quantities" ? null : agreeing / golden.count;
  const {max_abs, mean_abs, top1_agreement, decision_agreement} = file.tolerance;
  const least = top1_agreement ?? decision_agreement ?? 0;
  const passed = largest <= max_abs && mean <= mean_abs && (agreement ?? 1) >= least;
  const median = milliseconds.sort((a, b) => a - b)[Math.trunc(milliseconds.length / 2)];
  return {recipe: file.recipe, passed, largest, mean, agreement, median, limits: file.tolerance};
}
