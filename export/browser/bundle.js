// Reads a kerascnn bundle strictly, as export/CONTRACT.md asks: nothing is guessed.

const SCHEMA_VERSION = 2;
const LINE = 300; // characters of an error; what is longer loses its middle
const TEXT_BYTES = 2 ** 24; // the largest text that is read
const LARGEST = 3.4028234663852886e38; // a float32 has room for each number of a manifest
const COUNT = (value) => Number.isInteger(value) && value >= 1 && value < 2 ** 31;
const TEXT = (value) => typeof value === "string";
const NUMBER = (value) => typeof value === "number" && Math.abs(value) <= LARGEST;
const LIMIT = (value) => NUMBER(value) && value >= 0;
const NULL = (value) => value === null;
const each = (test) => (value) => Array.isArray(value) && value.every(test);
const oneOf = (...options) => (value) => options.includes(value);
const REFERENCE = {path: TEXT, sha256: TEXT};
const TENSOR = {
  dtype: oneOf("float32", "uint8", "int8", "int16"),
  scale: (value) => value === null || (LIMIT(value) && value > 0),
  zero_point: (value) => value === null || Number.isInteger(value),
};
const FILE = {
  ...REFERENCE,
  recipe: TEXT,
  bytes: COUNT,
  input: TENSOR,
  output: TENSOR,
  tolerance: {max_abs: LIMIT, mean_abs: LIMIT, top1_agreement: LIMIT},
};
const MANIFEST = {
  schema_version: oneOf(1),
  versions: {
    kerascnn: TEXT, keras: TEXT, tensorflow: TEXT, ai_edge_litert: TEXT, litert_quantizer: TEXT,
  },
  model: {
    name: TEXT,
    task: oneOf("image-classification"),
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
  output: {shape: [oneOf(1), COUNT], kind: oneOf("probabilities", "logits")},
  labels: REFERENCE,
  golden: {...REFERENCE, count: COUNT},
  files: [FILE],
  reports: {json: REFERENCE, html: REFERENCE},
};
// Version 2 knows more tasks: what their outputs and the limits of the self-test have.
const KINDS = {
  "image-classification": {kind: oneOf("probabilities", "logits"), thresholds: NULL, ranges: NULL},
  "image-multi-label": {kind: oneOf("scores"), thresholds: each(LIMIT), ranges: NULL},
  "image-regression": {
    kind: oneOf("quantities"),
    thresholds: NULL,
    ranges: each((pair) => each(NUMBER)(pair) && pair.length === 2),
  },
};
const AGREEMENT = {"image-classification": "top1_agreement", "image-multi-label": "decision_agreement"};

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

/** What a manifest of this version and task must hold. */
function specOf(manifest) {
  const task = manifest?.model?.task;
  if (manifest?.schema_version !== 2 || !Object.hasOwn(KINDS, task)) return MANIFEST;
  const tolerance = {max_abs: LIMIT, mean_abs: LIMIT};
  for (const key of ["top1_agreement", "decision_agreement"]) {
    tolerance[key] = AGREEMENT[task] === key ? LIMIT : NULL;
  }
  return {
    ...MANIFEST,
    schema_version: oneOf(2),
    model: {...MANIFEST.model, task: oneOf(task)},
    output: {shape: MANIFEST.output.shape, ...KINDS[task]},
    files: [{...FILE, tolerance}],
  };
}

/** Strict in both directions: an unknown key could change what a file means. */
function check(value, spec, where) {
  if (Array.isArray(spec) && spec.length === 1) { // a list of these
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

/** A bundle whose every file was checked: {manifest, labels, read}. */
export async function openBundle(read) {
  const text = decoded(await read("manifest.json"), "manifest.json");
  const manifest = parsed(text, "manifest.json");
  const version = manifest?.schema_version;
  if (Number.isInteger(version) && version > SCHEMA_VERSION) {
    throw new Error(
      `made by a newer kerascnn: schema ${version}, this kit reads ${SCHEMA_VERSION}: upgrade it`,
    );
  }
  check(manifest, specOf(manifest), "manifest.json");
  const {files, labels, golden, reports, model, input, output} = manifest;
  require(
    input.shape[3] === (input.color === "rgb" ? 3 : 1) && output.shape[1] === model.classes,
    "manifest.json: a shape disagrees with input.color or model.classes",
  );
  for (const key of ["thresholds", "ranges"]) {
    const count = output[key]?.length ?? model.classes;
    require(count === model.classes, `manifest.json: ${count} ${key} for ${model.classes} outputs`);
  }
  require(new Set(files.map((file) => file.recipe)).size === files.length, "a recipe appears twice");
  for (const {dtype, scale, zero_point: zero} of files.flatMap((file) => [file.input, file.output])) {
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
