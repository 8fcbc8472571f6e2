// Reads the NumPy archive of a bundle: a zip of .npy arrays, stored or deflated.

const ARRAYS = {"|u1": Uint8Array, "<f4": Float32Array};

const CANNOT = "golden.npz cannot be read: ";

function fail(what) {
  throw new Error(CANNOT + what);
}

/** Unpacks to the size that the archive states: a small one could unpack to more than the memory. */
async function inflate(bytes, size, name) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  const result = new Uint8Array(size);
  let filled = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (filled + part.value.length > size) {
      await reader.cancel();
      fail(`${name} is larger than it says`);
    }
    result.set(part.value, filled);
    filled += part.value.length;
  }
  if (filled !== size) fail(`${name} is incomplete`);
  return result;
}

/** The files of a zip archive by name. Sizes come from its directory, at the end. */
async function unzip(bytes, room) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) fail("it is no zip archive");
  const files = {};
  let [at, total] = [view.getUint32(end + 16, true), 0];
  for (let i = 0; i < view.getUint16(end + 10, true); i += 1) {
    if (view.getUint32(at, true) !== 0x02014b50) fail("its directory is damaged");
    const [method, size] = [view.getUint16(at + 10, true), view.getUint32(at + 20, true)];
    const lengths = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + lengths[0]));
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const content = bytes.subarray(start, start + size);
    const unpacked = view.getUint32(at + 24, true);
    total += unpacked;
    if (method !== 0 && method !== 8) fail(`${name} is compressed by method ${method}`);
    if (total > room) fail(`${total} bytes unpacked, expected ${room} at most`);
    files[name] = method === 8 ? await inflate(content, unpacked, name) : content;
    at += 46 + lengths[0] + lengths[1] + lengths[2];
  }
  return files;
}

/** An .npy array: {shape, data}, in C order. */
function parse(bytes, name) {
  if (!bytes) fail(`it has no array ${name}`);
  if (bytes[0] !== 0x93 || new TextDecoder().decode(bytes.subarray(1, 6)) !== "NUMPY") {
    fail(`${name} is no array`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6] > 1;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder("latin1").decode(bytes.subarray(10, start));
  const kind = /'descr': '([^']*)'/.exec(header)?.[1];
  const shape = /'shape': \(([0-9, ]*)\)/.exec(header)?.[1].split(",").filter((n) => n.trim()).map(Number);
  if (!ARRAYS[kind] || !shape || !header.includes("'fortran_order': False")) {
    fail(`${name} is of an unexpected kind`);
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const type = ARRAYS[kind];
  if (bytes.length - start !== count * type.BYTES_PER_ELEMENT) fail(`${name} is incomplete`);
  return {shape, data: new type(bytes.slice(start).buffer)};
}

/** Golden inputs, uint8 [n, H, W, C], and the outputs of these names, float32 [n, ...], of `room` bytes at most. */
export async function readGolden(bytes, names, room) {
  try {
    const files = await unzip(bytes, room);
    return {
      inputs: parse(files["inputs.npy"], "inputs"),
      outputs: names.map((name) => parse(files[`${name}.npy`], name)),
    };
  } catch (error) { // of a damaged archive also what DataView and the browser's unpacking throw
    if (error.message.startsWith(CANNOT)) throw error;
    return fail(error.message);
  }
}
