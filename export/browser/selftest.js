// Does this browser compute what Keras computed? The rule is export/CONTRACT.md's "Self-test".

import {Classifier} from "./classifier.js";
import {readGolden} from "./npz.js";

/** The golden data of a bundle, checked against its manifest. */
export async function goldenOf(bundle) {
  const {golden, input, output} = bundle.manifest;
  const {inputs, outputs} = await readGolden(bundle.read(golden.path));
  const wanted = [[golden.count, ...input.shape.slice(1)], [golden.count, output.shape[1]]];
  if (`${[inputs.shape, outputs.shape]}` !== `${wanted}` || inputs.data.BYTES_PER_ELEMENT !== 1) {
    throw new Error("golden.npz does not hold what the manifest says");
  }
  return {inputs: inputs.data, outputs: outputs.data, count: golden.count};
}

/** Replays the golden inputs through one file; never passes with a value that is no number. */
export async function selftest(bundle, golden, file, accelerator) {
  const classifier = await Classifier.open(bundle, file, accelerator);
  const classes = bundle.manifest.model.classes;
  const size = golden.inputs.length / golden.count;
  let [largest, sum, agreeing, milliseconds] = [0, 0, 0, []];
  try {
    for (let i = 0; i < golden.count; i += 1) {
      const start = performance.now();
      const found = await classifier.run(golden.inputs.subarray(i * size, (i + 1) * size));
      milliseconds.push(performance.now() - start);
      const expected = golden.outputs.subarray(i * classes, (i + 1) * classes);
      const differences = Array.from(found, (value, k) => Math.abs(value - expected[k]));
      largest = Math.max(largest, ...differences);
      sum += differences.reduce((total, difference) => total + difference, 0);
      const top = expected.indexOf(Math.max(...expected));
      agreeing += found[top] === Math.max(...found) ? 1 : 0; // a tie agrees
    }
  } finally {
    classifier.close();
  }
  const [mean, agreement] = [sum / (golden.count * classes), agreeing / golden.count];
  const {max_abs, mean_abs, top1_agreement} = file.tolerance;
  const passed = largest <= max_abs && mean <= mean_abs && agreement >= top1_agreement;
  const median = milliseconds.sort((a, b) => a - b)[Math.trunc(milliseconds.length / 2)];
  return {recipe: file.recipe, passed, largest, mean, agreement, median, limits: file.tolerance};
}
