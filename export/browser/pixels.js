// From a decoded image to the model's pixels, as export/CONTRACT.md says under "Images". The
// resampling computes what Pillow's BILINEAR does, in the same integers, rows before columns.

const PRECISION = 22; // bits behind the point of a weight

/** For each of `size` output places: the first input place, and weights that sum to 1. */
function weights(from, size) {
  const scale = from / size;
  const support = Math.max(scale, 1);
  const rows = [];
  for (let place = 0; place < size; place += 1) {
    const centre = (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const last = Math.min(Math.trunc(centre + support + 0.5), from);
    const values = [];
    let sum = 0;
    for (let x = first; x < last; x += 1) {
      const distance = Math.abs((x - centre + 0.5) * (1 / support));
      values.push(distance < 1 ? 1 - distance : 0);
      sum += values[values.length - 1];
    }
    rows.push({
      first,
      fixed: Int32Array.from(values, (value) => Math.trunc(0.5 + (value / sum) * (1 << PRECISION))),
    });
  }
  return rows;
}

/** Resamples along the rows of {width, height, channels, data}. */
function resampleRows(image, width) {
  const {height, channels, data} = image;
  const result = new Uint8ClampedArray(height * width * channels);
  const rows = weights(image.width, width);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const {first, fixed} = rows[x];
      for (let c = 0; c < channels; c += 1) {
        let sum = 1 << (PRECISION - 1);
        let at = (y * image.width + first) * channels + c;
        for (let i = 0; i < fixed.length; i += 1, at += channels) sum += data[at] * fixed[i];
        result[(y * width + x) * channels + c] = sum >> PRECISION;
      }
    }
  }
  return {width, height, channels, data: result};
}

/** The same along its columns. */
function resampleColumns(image, height) {
  const {width, channels, data} = image;
  const step = width * channels;
  const result = new Uint8ClampedArray(height * step);
  const rows = weights(image.height, height);
  for (let y = 0; y < height; y += 1) {
    const {first, fixed} = rows[y];
    for (let x = 0; x < step; x += 1) {
      let sum = 1 << (PRECISION - 1);
      let at = first * step + x;
      for (let i = 0; i < fixed.length; i += 1, at += step) sum += data[at] * fixed[i];
      result[y * step + x] = sum >> PRECISION;
    }
  }
  return {width, height, channels, data: result};
}

/** Canvas pixels, RGBA without transparency, to grey (ITU-R 601) or RGB. */
export function toChannels({width, height, data}, channels) {
  const result = new Uint8ClampedArray(width * height * channels);
  for (let i = 0, j = 0; i < data.length; i += 4, j += channels) {
    if (channels === 1) {
      result[j] = (19595 * data[i] + 38470 * data[i + 1] + 7471 * data[i + 2] + 32768) >> 16;
    } else {
      result[j] = data[i];
      result[j + 1] = data[i + 1];
      result[j + 2] = data[i + 2];
    }
  }
  return {width, height, channels, data: result};
}

/** Brings {width, height, channels, data} to `height` x `width` by a manifest's resize rule. */
export function fit(image, height, width, rule) {
  let [newHeight, newWidth] = [height, width];
  if (rule.fit !== "stretch") {
    const scales = [height / image.height, width / image.width];
    const scale = rule.fit === "crop" ? Math.max(...scales) : Math.min(...scales, 1);
    const least = rule.fit === "crop" ? [height, width] : [1, 1];
    newHeight = Math.max(least[0], Math.floor(image.height * scale + 0.5));
    newWidth = Math.max(least[1], Math.floor(image.width * scale + 0.5));
  }
  let resized = image;
  if (image.width !== newWidth) resized = resampleRows(resized, newWidth);
  if (image.height !== newHeight) resized = resampleColumns(resized, newHeight);
  const result = new Uint8Array(height * width * image.channels).fill(rule.pad_value);
  const [dy, dx] = [newHeight - height, newWidth - width].map((n) => Math.trunc(n / 2));
  const [top, left] = [height - newHeight, width - newWidth].map((n) => Math.max(0, Math.trunc(n / 2)));
  const [rows, columns] = [Math.min(height, newHeight), Math.min(width, newWidth)];
  for (let y = 0; y < rows; y += 1) {
    const from = ((y + Math.max(0, dy)) * newWidth + Math.max(0, dx)) * image.channels;
    const line = resized.data.subarray(from, from + columns * image.channels);
    result.set(line, ((y + top) * width + left) * image.channels);
  }
  return result;
}
