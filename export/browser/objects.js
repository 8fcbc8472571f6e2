// Objects with boxes: what a detector found in a picture, matched and drawn.

import {givesObjects} from "./bundle.js";

const SAME = 0.5; // overlap from which on two boxes of one class are of the same object
// Of boxes of all points, as export/CONTRACT.md says.
const [CANDIDATES, LEAST_SCORE, MOST_OVERLAP, MOST_OBJECTS] = [300, 0.01, 0.6, 100];
// Of the classes in turn: told apart by most people with a colour deficiency (Okabe, Ito 2008).
const COLORS = ["#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"];

/** Whether a bundle is that of a detector. */
export function detects({manifest}) {
  return manifest.model.task === "detection";
}

/** The objects of one picture, the best first: {index, score, box: [top, left, bottom, right]}. */
export function objectsOf(bundle, values) {
  if (!values.every((one) => one.every(Number.isFinite))) {
    throw new Error("the model answers with what is no number");
  }
  return givesObjects(bundle.manifest) ? finished(bundle, values) : found(bundle, values);
}

function finished({manifest, labels}, [boxes, classes, scores, count]) {
  const threshold = manifest.outputs[2].thresholds[0];
  const objects = [];
  for (let i = 0; i < Math.min(Math.round(count[0]), scores.length); i += 1) {
    const index = Math.round(classes[i]);
    if (!(index >= 0 && index < labels.length)) throw new Error(`the model gives the class ${index}`);
    if (scores[i] >= threshold) objects.push({index, score: scores[i], box: clipped(boxes, i)});
  }
  return objects;
}

/** The same from the boxes and scores of all points: of those that overlap, the best one. */
function found({manifest: {outputs}, labels}, values) {
  const roles = Object.fromEntries(outputs.map(({role}, place) => [role, values[place]]));
  const {thresholds} = outputs.find(({role}) => role === "scores") ?? {};
  if (!roles.scores || !roles.boxes || !thresholds) {
    throw new Error("a detector must give scores with thresholds, and boxes");
  }
  const places = Array.from(roles.scores.keys()).filter((place) => roles.scores[place] > LEAST_SCORE);
  places.sort((a, b) => roles.scores[b] - roles.scores[a] || a - b);
  const kept = [];
  for (const place of places.slice(0, CANDIDATES)) {
    const index = place % labels.length;
    const box = clipped(roles.boxes, Math.floor(place / labels.length));
    if (kept.some((one) => one.index === index && overlap(one.box, box) > MOST_OVERLAP)) continue;
    kept.push({index, score: roles.scores[place], box});
    if (kept.length === MOST_OBJECTS) break;
  }
  return kept.filter(({index, score}) => score >= thresholds[index]);
}

function clipped(boxes, place) {
  return Array.from(boxes.slice(4 * place, 4 * place + 4), (edge) => Math.min(1, Math.max(0, edge)));
}

/** Intersection over union of two boxes. */
export function overlap(a, b) {
  const side = (axis) => Math.max(0, Math.min(a[axis + 2], b[axis + 2]) - Math.max(a[axis], b[axis]));
  const area = (box) => Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
  const shared = side(0) * side(1);
  const union = area(a) + area(b) - shared;
  return union > 0 ? shared / union : 0;
}

/** Pairs of the same objects, the largest overlap first, each object once. */
export function matched(wanted, got) {
  const pairs = [];
  for (const one of wanted) {
    for (const other of got) {
      const shared = one.index === other.index ? overlap(one.box, other.box) : 0;
      if (shared >= SAME) pairs.push({one, other, shared});
    }
  }
  pairs.sort((a, b) => b.shared - a.shared);
  const taken = new Set();
  return pairs.flatMap(({one, other}) => {
    if (taken.has(one) || taken.has(other)) return [];
    taken.add(one).add(other);
    return [[one, other]];
  });
}

/** Draws boxes with their names over a picture that fills the canvas. */
export function draw(canvas, objects, labels) {
  const context = canvas.getContext("2d");
  const {width, height} = canvas;
  const line = Math.max(2, Math.round(Math.min(width, height) / 160));
  context.font = `${Math.max(12, Math.round(Math.min(width, height) / 28))}px sans-serif`;
  context.textBaseline = "top";
  for (const {index, score, box: [top, left, bottom, right]} of objects.toReversed()) {
    const color = COLORS[index % COLORS.length];
    const [x, y] = [left * width, top * height];
    context.strokeStyle = color;
    context.lineWidth = line;
    context.strokeRect(x, y, (right - left) * width, (bottom - top) * height);
    const text = `${labels[index]} ${score.toFixed(2)}`;
    const size = context.measureText(text);
    const high = size.actualBoundingBoxDescent + 4;
    const above = Math.max(0, y - high);
    context.fillStyle = color;
    context.fillRect(x, above, size.width + 6, high);
    context.fillStyle = "#000";
    context.fillText(text, x + 3, above + 2);
  }
}
