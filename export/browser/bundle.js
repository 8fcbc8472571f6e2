// Reads a kerascnn bundle strictly, as export/CONTRACT.md asks: nothing is guessed.

const SCHEMA_VERSION = 3;
const LINE = 300; // characters of an error; what is longer loses its middle
const TEXT_BYTES = 2 ** 24; // the largest text that is read
const LARGEST = 3.4028234663852886e38; // a float32 has room for each number of a manifest
const COUNT = (value) => Number.isInteger(value) && value >= 1 && value < 2 ** 31;
const TEXT = (value) => typeof value === "string";
const ROLE = (value) => TEXT(value) && /^[a-z][a-z0-9_]{0,39}$/.test(value) && value !== "inputs";
const NUMBER = (value) => typeof value === "number" && Math.abs(value) <= LARGEST;
const LIMIT = (value) => NUMBER(value) && value >= 0;
const CHANCE = (value) => LIMIT(value) && value <= 1;
const NULL = (value) => value === null;
const each = (test) => (value) => Array.isArray(value) && value.every(test);
const PAIRS = each((pair) => each(NUMBER)(pair) && pair.length === 2 && pair[0] <= pair[1]);
const oneOf = (...options) => (value) => options.includes(value);
const REFERENCE = {path: TEXT, sha256: TEXT};
const TENSOR = {
  dtype: oneOf("float32", "uint8", "int8", "int16"),
  scale: (value) => value === null || (LIMIT(value) && value > 0),
  zero_point: (value) => value === null || Number.isInteger(value),
};
const FILE = {...REFERENCE, recipe: TEXT, bytes: COUNT, input: TENSOR};
const MANIFEST = { // what all versions share
  schema_version: oneOf(1, 2, 3),
  versions: {
    kerascnn: TEXT, keras: TEXT, tensorflow: TEXT, ai_edge_litert: TEXT, litert_quantizer: TEXT,
  },
  model: {
    name: TEXT,
    task: TEXT,
    classes: COUNT,
    parameters: (value) => Number.isInteger(value) && value >= 0,
  },
  input: {
    shape: [oneOf(1), COUNT, COUNT, oneOf(1, 3)],
    layout: oneOf("NHWC"),
    color: oneOf("grayscale", "rgb"),
    range: [oneOf(0), oneOf(255)],
    resize: {
      fit: oneOf("stretch", "crop", "pad"),
      filter: oneOf("bilinear"),
      antialias: oneOf(true),
      pad_value: (value) => Number.isInteger(value) && value >= 0 && value <= 255,
    },
  },
  labels: REFERENCE,
  golden: {...REFERENCE, count: COUNT},
  reports: {json: REFERENCE, html: REFERENCE},
};
// What the one output of versions 1 and 2 has by its task.
const KINDS = {
  "image-classification": {kind: oneOf("probabilities", "logits"), thresholds: NULL, ranges: NULL},
  "image-multi-label": {kind: oneOf("scores"), thresholds: each(CHANCE), ranges: NULL},
  "image-regression": {kind: oneOf("quantities"), thresholds: NULL, ranges: PAIRS},
};
const AGREEMENT = {"image-classification": "top1_agreement", "image-multi-label": "decision_agreement"};
const TASKS = { // and what version 3 calls the task and the output
  "image-classification": ["classification", "scores"],
  "image-multi-label": ["multi_label", "scores"],
  "image-regression": ["regression", "values"],
};

function require(condition, message) {
  if (!condition) throw new Error(message);
}

/** An error as one line of a screen, however long what it quotes is. */
export function oneLine(error) {
  const words = `${error?.message || error}`.replace(/[\s\p{C}]+/gu, " ").trim();
  return words.length <= LINE ? words : `${words.slice(0, LINE / 2)} … ${words.slice(-LINE / 2)}`;
}

/** Text of a bundle, which is UTF-8 and of a size that a person could have looked at. */
function decoded(bytes, name) {
  require(bytes.length <= TEXT_BYTES, `${name} is larger than ${TEXT_BYTES} bytes`);
  try {
    return new TextDecoder("utf-8", {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch {
    throw new Error(`${name} is not UTF-8`);
  }
}

/** The value of a JSON text in which no object has a key twice: JSON.parse would keep one unsaid. */
function parsed(text, name) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is not JSON: ${error.message}`);
  }
  const open = []; // the keys of each object that is open here, null for lists
  for (const [token, key] of text.matchAll(/[{}[\]]|"(?:[^"\\]|\\.)*"(\s*:)?/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (key !== undefined) {
      const known = open[open.length - 1];
      const word = JSON.parse(token.slice(0, -key.length));
      require(!known.has(word), `${name} has a key twice in one object: ${word}`);
      known.add(word);
    }
  }
  return value;
}

/** What a manifest of this version, with these outputs, must hold. */
function specOf(manifest) {
  const version = manifest?.schema_version;
  if (version === 1 || version === 2) return oldSpec(manifest, version);
  const outputs = (Array.isArray(manifest?.outputs) ? manifest.outputs : []).map((one) => one ?? {});
  const specs = outputs.map(({kind, thresholds}) => ({
    role: ROLE,
    shape: [COUNT],
    kind: oneOf("probabilities", "logits", "independent", "quantities"),
    thresholds: kind === "independent" && (thresholds ?? null) !== null ? each(CHANCE) : NULL,
    ranges: kind === "quantities" ? PAIRS : NULL,
  }));
  const tolerances = outputs.map(({kind}) => ({
    max_abs: LIMIT, mean_abs: LIMIT, agreement: kind === "quantities" ? NULL : LIMIT,
  }));
  const tensors = outputs.map(() => TENSOR);
  return {
    ...MANIFEST,
    outputs: new Exactly(specs),
    files: [{...FILE, outputs: new Exactly(tensors), tolerances: new Exactly(tolerances)}],
  };
}

/** A list of exactly these, where one of them would mean a list of any length. */
class Exactly {
  constructor(specs) {
    this.specs = specs;
  }
}

/** The same of versions 1 and 2, which have one output. */
function oldSpec(manifest, version) {
  const asked = manifest.model?.task;
  const known = version === 2 && TEXT(asked) && Object.hasOwn(KINDS, asked);
  const task = known ? asked : "image-classification";
  const output = {shape: [oneOf(1), COUNT], ...KINDS[task]};
  const tolerance = {max_abs: LIMIT, mean_abs: LIMIT};
  for (const key of ["top1_agreement", "decision_agreement"]) {
    tolerance[key] = AGREEMENT[task] === key ? LIMIT : NULL;
  }
  if (version === 1) {
    delete output.thresholds;
    delete output.ranges;
    delete tolerance.decision_agreement;
  }
  return {
    ...MANIFEST,
    model: {...MANIFEST.model, task: oneOf(task)},
    output,
    files: [{...FILE, output: TENSOR, tolerance}],
  };
}

/** A manifest of version 1 or 2 in the form of version 3; it keeps its number. */
function upgraded(manifest) {
  if (manifest.schema_version === 3) return manifest;
  const asked = manifest.model.task;
  const [task, role] = TASKS[asked];
  const output = {thresholds: null, ranges: null, ...manifest.output, role};
  if (output.kind === "scores") output.kind = "independent";
  const files = manifest.files.map((file) => ({
    ...file,
    outputs: [file.output],
    tolerances: [{
      max_abs: file.tolerance.max_abs,
      mean_abs: file.tolerance.mean_abs,
      agreement: AGREEMENT[asked] ? file.tolerance[AGREEMENT[asked]] : null,
    }],
  }));
  return {...manifest, model: {...manifest.model, task}, outputs: [output], files};
}

/** Whether one number stands for two classes: it is the probability of the second. */
export function isBinary({kind, shape, thresholds}) {
  return kind === "independent" && shape.at(-1) === 1 && thresholds === null;
}

/** Strict in both directions: an unknown key could change what a file means. */
function check(value, spec, where) {
  if (spec instanceof Exactly) {
    const count = Math.max(1, spec.specs.length);
    require(Array.isArray(value) && value.length === count, `${where} must be a list of ${count}`);
    spec.specs.forEach((inner, i) => check(value[i], inner, `${where}[${i}]`));
  } else if (Array.isArray(spec) && spec.length === 1) { // a list of these
    require(Array.isArray(value) && value.length > 0, `${where} must be a list`);
    value.forEach((element, i) => check(element, spec[0], `${where}[${i}]`));
  } else if (Array.isArray(spec)) {
    require(Array.isArray(value) && value.length === spec.length, `${where} must be a list of ${spec.length}`);
    spec.forEach((inner, i) => check(value[i], inner, `${where}[${i}]`));
  } else if (typeof spec === "object") {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    require(isObject, `${where} must be an object`);
    for (const key of Object.keys(value)) {
      require(Object.hasOwn(spec, key), `${where}: unknown key ${key}`);
    }
    for (const key of Object.keys(spec)) {
      require(Object.hasOwn(value, key), `${where}: missing key ${key}`);
      check(value[key], spec[key], `${where}: ${key}`);
    }
  } else {
    require(spec(value), `${where} has an unexpected value: ${JSON.stringify(value).slice(0, 80)}`);
  }
}

async function sha256(bytes) {
  require(crypto.subtle, "hashes can only be checked on https:// or localhost: open the page there");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A folder behind a URL, as a function from a file's name to its bytes. */
export function folderAt(url) {
  const base = new URL(url.endsWith("/") ? url : `${url}/`, location.href);
  return async (name) => {
    const response = await fetch(new URL(name, base), {cache: "no-cache"});
    require(response.ok, `${name} is missing from ${base.pathname} (${response.status})`);
    return new Uint8Array(await response.arrayBuffer());
  };
}

/** The same for files that the user chose as a folder. */
export function folderOf(files) {
  const byName = new Map(Array.from(files, (file) => [file.name, file]));
  return async (name) => {
    require(byName.has(name), `${name} is missing from the folder`);
    return new Uint8Array(await byName.get(name).arrayBuffer());
  };
}

const OBJECT_ROLES = "boxes,classes,scores,count"; // of finished objects, in this order

/** Whether the files of a detector give finished objects. */
export function givesObjects({outputs}) {
  return `${outputs.map(({role}) => role)}` === OBJECT_ROLES && Boolean(outputs[2].thresholds);
}

/** A bundle whose every file was checked: {manifest, labels, read}. */
export async function openBundle(read) {
  const text = decoded(await read("manifest.json"), "manifest.json");
  const given = parsed(text, "manifest.json");
  const version = given?.schema_version;
  if (Number.isInteger(version) && version > SCHEMA_VERSION) {
    throw new Error(
      `made by a newer kerascnn: schema ${version}, this kit reads ${SCHEMA_VERSION}: upgrade it`,
    );
  }
  check(given, specOf(given), "manifest.json");
  const manifest = upgraded(given);
  const {files, labels, golden, reports, model, input, outputs} = manifest;
  const single = isBinary(outputs[0]) ? 2 : outputs[0].shape.at(-1);
  const named = givesObjects(manifest) ? (outputs[1].ranges?.[0][1] ?? 0) + 1 : single;
  require(
    input.shape[3] === (input.color === "rgb" ? 3 : 1) && named === model.classes,
    "manifest.json: a shape disagrees with input.color or model.classes",
  );
  require(new Set(outputs.map(({role}) => role)).size === outputs.length, "a role appears twice");
  for (const {shape, thresholds, ranges} of outputs) {
    require(shape[0] === 1, `manifest.json: output shape ${shape}`);
    for (const [key, values] of Object.entries({thresholds, ranges})) {
      const count = values?.length ?? shape.at(-1);
      require(count === shape.at(-1), `manifest.json: ${count} ${key} for ${shape.at(-1)} outputs`);
    }
  }
  require(new Set(files.map((file) => file.recipe)).size === files.length, "a recipe appears twice");
  const stored = files.flatMap((file) => [file.input, ...file.outputs]);
  for (const {dtype, scale, zero_point: zero} of stored) {
    const right = dtype === "float32" ? scale === null && zero === null : scale !== null && zero !== null;
    require(right, `manifest.json: a ${dtype} tensor has scale ${scale}, zero ${zero}`);
  }
  const checked = new Map();
  for (const reference of [labels, golden, ...files, reports.json, reports.html]) {
    const {path} = reference;
    require(/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,199}$/.test(path), `path ${path} leaves the bundle`);
    const bytes = await read(path);
    require(
      bytes.length === (reference.bytes ?? bytes.length) && (await sha256(bytes)) === reference.sha256,
      `${path} was altered: its bytes are not those the manifest names`,
    );
    checked.set(path, bytes);
  }
  const names = decoded(checked.get(labels.path), labels.path).replace(/\n$/, "").split("\n");
  require(names.length === model.classes, `${names.length} labels for ${model.classes} classes`);
  return {manifest, labels: names, read: (path) => checked.get(path)};
}
