// Does this browser compute what Keras computed? The rule is export/CONTRACT.md's "Self-test".

import {givesObjects, isBinary} from "./bundle.js";
import {Classifier, largestOf} from "./classifier.js";
import {readGolden} from "./npz.js";
import {matched, objectsOf} from "./objects.js";

/** The golden data of a bundle, checked against its manifest. */
export async function goldenOf(bundle) {
  const {golden, input, outputs, schema_version: version} = bundle.manifest;
  const names = outputs.map(({role}) => (version < 3 ? "outputs" : role));
  const wanted = [input, ...outputs].map(({shape}) => [golden.count, ...shape.slice(1)]);
  const [pixels, ...answers] = wanted.map((shape) => shape.reduce((product, size) => product * size, 1));
  const bytes = pixels + 4 * answers.reduce((all, one) => all + one, 0) + 2048 * wanted.length;
  const found = await readGolden(bundle.read(golden.path), names, Math.min(bytes, 2 ** 30));
  const shapes = [found.inputs, ...found.outputs].map(({shape}) => shape);
  const numbers = found.outputs.every(({data}) => data instanceof Float32Array);
  const kinds = found.inputs.data instanceof Uint8Array && numbers;
  if (JSON.stringify(shapes) !== JSON.stringify(wanted) || !kinds) {
    throw new Error("golden.npz does not hold what the manifest says");
  }
  return {
    inputs: found.inputs.data,
    outputs: found.outputs.map(({data}) => data),
    count: golden.count,
  };
}

/** What differences are divided by: of quantities, the range of each. */
function units({ranges}, count) {
  if (!ranges) return new Array(count).fill(1);
  return ranges.map(([low, high]) =>
    Math.max(high - low, 0.01 * Math.max(Math.abs(low), Math.abs(high)), 1e-6),
  );
}

/** The share of one image's answers that are alike; null for quantities. */
function agreementOf(output, found, expected) {
  const {kind, thresholds, shape} = output;
  if (kind === "quantities") return null;
  const last = shape.at(-1);
  if (thresholds) {
    const alike = expected.filter((value, k) => found[k] > thresholds[k % last] === value > thresholds[k % last]);
    return alike.length / expected.length;
  }
  if (isBinary(output)) { // of both classes the larger, a tie agrees
    const alike = expected.filter((value, k) => found[k] === 0.5 || found[k] > 0.5 === value > 0.5);
    return alike.length / expected.length;
  }
  let agreeing = 0;
  for (let start = 0; start < expected.length; start += last) {
    const [row, other] = [expected, found].map((values) => Array.from(values.slice(start, start + last)));
    const top = row.indexOf(largestOf(row));
    agreeing += other[top] === largestOf(other) ? 1 : 0; // a tie agrees
  }
  return agreeing / (expected.length / last);
}

/** The largest and mean differences of objects that the golden answers and a file share. */
function compareObjects(bundle, file, pairs) {
  const edges = [0];
  const scores = [0];
  let alone = 0;
  for (const [expected, found] of pairs) {
    const [wanted, got] = [expected, found].map((values) => objectsOf(bundle, values));
    const alike = matched(wanted, got);
    alone += wanted.length + got.length - 2 * alike.length;
    for (const [one, other] of alike) {
      edges.push(...one.box.map((edge, i) => Math.abs(edge - other.box[i])));
      scores.push(Math.abs(one.score - other.score));
    }
  }
  return [["boxes", edges, 0], ["scores", scores, 2]].map(([role, differences, place]) => {
    const limits = file.tolerances[place];
    const largest = largestOf(differences);
    const mean = differences.reduce((all, one) => all + one, 0) / Math.max(1, differences.length - 1);
    const passed = alone === 0 && largest <= limits.max_abs && mean <= limits.mean_abs;
    return {role, largest, mean, agreement: alone === 0 ? 1 : 0, limits, passed};
  });
}

/** Replays the golden inputs through one file; never passes with a value that is no number. */
export async function selftest(bundle, golden, file, accelerator) {
  const classifier = await Classifier.open(bundle, file, accelerator);
  const {outputs} = bundle.manifest;
  const size = golden.inputs.length / golden.count;
  const sums = outputs.map(() => ({largest: 0, sum: 0, agreeing: 0}));
  const milliseconds = [];
  const pairs = [];
  try {
    for (let i = 0; i < golden.count; i += 1) {
      const start = performance.now();
      const answers = await classifier.run(golden.inputs.subarray(i * size, (i + 1) * size));
      milliseconds.push(performance.now() - start);
      if (givesObjects(bundle.manifest)) {
        const expected = answers.map((found, place) =>
          golden.outputs[place].subarray(i * found.length, (i + 1) * found.length),
        );
        pairs.push([expected, answers]);
        continue;
      }
      outputs.forEach((output, place) => {
        const [found, total] = [answers[place], sums[place]];
        const unit = units(output, output.shape.at(-1));
        const expected = golden.outputs[place].subarray(i * found.length, (i + 1) * found.length);
        const differences = Array.from(found, (value, k) => Math.abs(value - expected[k]) / unit[k % unit.length]);
        total.largest = Math.max(total.largest, largestOf(differences));
        total.sum += differences.reduce((all, difference) => all + difference, 0) / found.length;
        total.agreeing += agreementOf(output, found, expected) ?? 1;
      });
    }
  } finally {
    classifier.close();
  }
  const compared = givesObjects(bundle.manifest) && compareObjects(bundle, file, pairs);
  const parts = compared || outputs.map(({role, kind}, place) => {
    const {largest, sum, agreeing} = sums[place];
    const limits = file.tolerances[place];
    const mean = sum / golden.count;
    const agreement = kind === "quantities" ? null : agreeing / golden.count;
    const near = largest <= limits.max_abs && mean <= limits.mean_abs;
    return {role, largest, mean, agreement, limits, passed: near && (agreement ?? 1) >= (limits.agreement ?? 0)};
  });
  const median = milliseconds.sort((a, b) => a - b)[Math.trunc(milliseconds.length / 2)];
  const passed = parts.every((part) => part.passed);
  return {...parts[0], recipe: file.recipe, passed, parts, median};
}
