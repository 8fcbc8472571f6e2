// The page: opens a bundle, takes photos or camera frames, shows answers, runs the self-test.
// In the address, ?bundle=FOLDER names a bundle beside the page (default: bundle), ?recipe=NAME a
// file of it, ?image=URL a first photo, and ?selftest runs the self-test at once.

import {folderAt, folderOf, oneLine, openBundle} from "./bundle.js";
import {Classifier, best, runsHere} from "./classifier.js";
import {fit, toChannels} from "./pixels.js";
import {detects, draw, objectsOf} from "./objects.js";
import {goldenOf, selftest} from "./selftest.js";

const TOP = 5;
const MOST_PIXELS = 89_478_485; // as the reference decoder allows
const PREVIEW = 1024; // pixels of the longer side that are shown
const parameters = new URLSearchParams(location.search);
const element = (id) => document.getElementById(id);
const state = {bundle: null, classifier: null, stream: null, picture: null};

function say(text, isError = false) {
  element("status").textContent = text;
  element("status").classList.toggle("error", isError);
  element("status").hidden = !text;
}

/** Runs a step of the page; what goes wrong is one line on it. */
async function attempt(step) {
  try {
    await step();
  } catch (error) {
    console.error(error);
    say(oneLine(error), true);
    show(["welcome"], !state.bundle);
    document.body.dataset.state = "failed";
  }
}

function show(ids, visible) {
  for (const id of ids) element(id).hidden = !visible;
}

async function useBundle(read) {
  say("Checking the bundle …");
  stopCamera();
  const bundle = await openBundle(read);
  const {model, input, outputs, files} = bundle.manifest;
  state.bundle = bundle;
  element("title").textContent = model.name;
  document.title = `${model.name}: ${detects(bundle) ? "object detector" : "image classifier"}`;
  const choices = files.map((file) => {
    const option = new Option(`${file.recipe}, ${size(file.bytes)}`, file.recipe);
    option.disabled = !runsHere(file);
    if (option.disabled) option.textContent += ` (${file.input.dtype} input: not for browsers)`;
    return option;
  });
  element("recipe").replaceChildren(...choices);
  const wanted = files.find((file) => file.recipe === parameters.get("recipe") && runsHere(file));
  const first = wanted ?? files.find(runsHere);
  if (!first) throw new Error("no file of this bundle is for browsers: export with --target litert-js");
  element("recipe").value = first.recipe;
  element("accelerators").hidden = !navigator.gpu;
  const [, height, width] = input.shape;
  const fitting = {
    stretch: "stretched to it",
    crop: "scaled to cover it, then cropped around the centre",
    pad: "shrunk to fit into it if larger, and centred",
  }[input.resize.fit];
  describe([
    ["Takes", `${width} × ${height} pixels, ${input.color === "rgb" ? "RGB" : "grey"}; pictures are ${fitting}`],
    ["Gives", outputs.map(gives).join("; ")],
    ["Parameters", model.parameters.toLocaleString()],
  ]);
  show(["welcome"], false);
  show(["workbench", "settings", "selftest"], true);
  await useFile();
}

function gives({role, kind, shape}, _, outputs) {
  const words = `${shape.at(-1).toLocaleString()} ${kind === "independent" ? "independent probabilities" : kind}`;
  return outputs.length > 1 ? `${role}: ${words}` : words;
}

function describe(pairs) {
  const items = pairs.flatMap(([term, meaning]) => {
    const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
    [dt.textContent, dd.textContent] = [term, meaning];
    return [dt, dd];
  });
  element("contract").replaceChildren(...items);
}

async function useFile() {
  const recipe = element("recipe").value;
  say(`Loading ${recipe} …`);
  state.classifier?.close();
  state.classifier = null;
  const file = state.bundle.manifest.files.find((known) => known.recipe === recipe);
  state.classifier = await Classifier.open(state.bundle, file, element("accelerator").value);
  const {shape} = state.bundle.manifest.input;
  await state.classifier.run(new Uint8Array(shape[1] * shape[2] * shape[3])); // the first run is slow
  say("");
  if (state.picture) await classify(state.picture);
  document.body.dataset.state = "ready";
}

/** The pixels of a decoded image or video frame, upright, transparency over white. */
function toPixels(source, width, height) {
  if (width * height > MOST_PIXELS) throw new Error("this picture has too many pixels");
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", {willReadFrequently: true});
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function preview(source, width, height) {
  const canvas = element("preview");
  const scale = Math.min(1, PREVIEW / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  show(["preview"], true);
  show(["hint", "video"], false);
  element("drop").classList.add("filled");
}

async function usePhoto(blob) {
  stopCamera();
  let image;
  try {
    image = await createImageBitmap(blob, {imageOrientation: "from-image"});
  } catch {
    throw new Error(`${blob.name ?? "this"} is not a picture that the browser can read`);
  }
  state.picture = toPixels(image, image.width, image.height);
  preview(image, image.width, image.height);
  image.close();
  say("");
  await classify(state.picture);
}

async function classify(picture) {
  if (!state.classifier) return;
  const {input, outputs: described} = state.bundle.manifest;
  const [, height, width, channels] = input.shape;
  const began = performance.now();
  const pixels = fit(toChannels(picture, channels), height, width, input.resize);
  const prepared = performance.now();
  const outputs = await state.classifier.run(pixels);
  const done = performance.now();
  if (detects(state.bundle)) {
    const objects = objectsOf(state.bundle, outputs);
    overlay(picture, objects);
    const list = objects.map(({index, score}) => bar({index, value: score, share: score, given: true}, null));
    if (!list.length) list.push(Object.assign(document.createElement("li"), {textContent: "no object"}));
    element("answers").replaceChildren(...list);
    element("answers").dataset.objects = JSON.stringify(objects);
  } else showBars(described, outputs);
  element("latency").textContent =
    `${time(done - prepared)} in the model, ${time(prepared - began)} resizing.`;
}

/** The picture again, with the boxes of what was found; of the camera, its latest frame. */
function overlay(picture, objects) {
  const canvas = element("preview");
  const source = new OffscreenCanvas(picture.width, picture.height);
  source.getContext("2d").putImageData(picture, 0, 0);
  if (state.stream) {
    show(["video"], false);
    show(["preview"], true);
  }
  const scale = Math.min(1, PREVIEW / Math.max(picture.width, picture.height));
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  draw(canvas, objects, state.bundle.labels);
}

function showBars(described, outputs) {
  const bars = described.flatMap((output, place) => {
    if (output.shape.length > 2) return []; // maps, such as masks, are no list of answers
    const found = best(outputs[place], output, output.kind === "quantities" ? Infinity : TOP);
    return found.map((answer) => bar(answer, place === 0 ? null : output.role));
  });
  element("answers").replaceChildren(...bars);
}

/** One answer; those of further outputs have no labels and stand under their role. */
function bar({index, value, share: part, given}, role) {
  const item = document.createElement("li");
  const [name, share, track, fill] = ["span", "span", "div", "div"].map((tag) => document.createElement(tag));
  name.textContent = role === null ? state.bundle.labels[index] : `${role} ${index || ""}`.trim();
  name.className = "name";
  share.textContent = part === null ? `${Number(value.toPrecision(4))}` : `${(100 * part).toFixed(1)} %`;
  share.className = "share";
  track.className = "track";
  item.dataset.index = index;
  item.dataset.value = value;
  item.classList.toggle("given", given);
  item.append(name, share);
  if (part !== null) { // a quantity has no full bar
    fill.style.width = `${Math.max(0.5, 100 * Math.min(1, part))}%`;
    track.append(fill);
    item.append(track);
  }
  return item;
}

async function toggleCamera() {
  if (state.stream) {
    stopCamera();
    return;
  }
  if (!navigator.mediaDevices) throw new Error("the camera needs https:// or localhost");
  try {
    state.stream = await navigator.mediaDevices.getUserMedia({video: {facingMode: "environment"}});
  } catch (error) {
    throw new Error(`no camera: ${error.message}`);
  }
  const video = element("video");
  video.srcObject = state.stream;
  await video.play();
  show(["preview", "hint"], false);
  show(["video"], true);
  element("drop").classList.add("filled");
  element("camera").setAttribute("aria-pressed", "true");
  element("camera").textContent = "Stop the camera";
  element("answers").setAttribute("aria-live", "off"); // several answers a second are noise
  say("");
  const stream = state.stream;
  while (state.stream === stream) {
    if (video.videoWidth) {
      await classify(toPixels(video, video.videoWidth, video.videoHeight));
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

function stopCamera() {
  for (const track of state.stream?.getTracks() ?? []) track.stop();
  if (!state.stream) return;
  state.stream = null;
  show(["video"], false);
  show(["preview"], Boolean(state.picture));
  show(["hint"], !state.picture);
  element("drop").classList.toggle("filled", Boolean(state.picture));
  element("camera").setAttribute("aria-pressed", "false");
  element("camera").textContent = "Use the camera";
  element("answers").setAttribute("aria-live", "polite");
}

async function runSelftest() {
  const button = element("run-selftest");
  button.disabled = true;
  const body = element("results").tBodies[0];
  body.replaceChildren();
  show(["results"], true);
  const outcome = [];
  try {
    const golden = await goldenOf(state.bundle);
    for (const file of state.bundle.manifest.files.filter(runsHere)) {
      say(`Self-test of ${file.recipe} …`);
      const result = await selftest(state.bundle, golden, file, element("accelerator").value);
      outcome.push(result);
      for (const part of result.parts) {
        const name = result.parts.length > 1 ? `${result.recipe}, ${part.role}` : result.recipe;
        body.append(row({...part, recipe: name, median: result.median}));
      }
      await new Promise((resolve) => setTimeout(resolve)); // let the page show it
    }
    const passed = outcome.every((result) => result.passed);
    say(passed ? "Self-test passed." : "Self-test FAILED: this browser computes something else.", !passed);
    element("selftest").dataset.outcome = JSON.stringify(outcome);
    document.body.dataset.selftest = passed ? "passed" : "failed";
  } finally {
    button.disabled = false;
  }
}

function row({recipe, passed, agreement, largest, mean, median, limits}) {
  const tr = document.createElement("tr");
  const short = (value) =>
    value && value < 0.001 ? value.toExponential(1) : Number(value.toPrecision(3)).toString();
  const values = [
    recipe,
    passed ? "ok" : "FAIL",
    agreement === null ? "–" : `${Math.round(100 * agreement)} %`,
    `${short(largest)} (limit ${short(limits.max_abs)})`,
    `${short(mean)} (limit ${short(limits.mean_abs)})`,
    time(median),
  ];
  values.forEach((value, i) => {
    const cell = document.createElement(i === 0 ? "th" : "td");
    cell.textContent = value;
    tr.append(cell);
  });
  tr.className = passed ? "ok" : "failed";
  return tr;
}

function size(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(2)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}

function time(milliseconds) {
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

function listen() {
  const on = (target, event, step) => target.addEventListener(event, (e) => attempt(() => step(e)));
  on(element("photo"), "change", async ({target}) => {
    const [file] = target.files;
    target.value = ""; // the same photo may be chosen again
    if (file) await usePhoto(file);
  });
  on(element("folder"), "change", async ({target}) => {
    const files = Array.from(target.files).filter((file) => file.webkitRelativePath.split("/").length === 2);
    if (files.length) await useBundle(folderOf(files));
  });
  for (const id of ["recipe", "accelerator"]) on(element(id), "change", useFile);
  on(element("camera"), "click", toggleCamera);
  on(element("run-selftest"), "click", runSelftest);
  on(document, "paste", async ({clipboardData}) => {
    const file = Array.from(clipboardData.files).find((known) => known.type.startsWith("image/"));
    if (file && state.bundle) await usePhoto(file);
  });
  for (const label of document.querySelectorAll("label.button")) { // a label is no button by itself
    label.tabIndex = 0;
    label.setAttribute("role", "button");
    label.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      label.click();
    });
  }
  const stage = element("drop");
  for (const event of ["dragenter", "dragover"]) {
    document.addEventListener(event, (e) => {
      e.preventDefault();
      stage.classList.add("over");
    });
  }
  document.addEventListener("dragleave", () => stage.classList.remove("over"));
  on(document, "drop", async (event) => {
    event.preventDefault();
    stage.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file && state.bundle) await usePhoto(file);
  });
}

async function start() {
  listen();
  const folder = folderAt(parameters.get("bundle") ?? "bundle");
  if (!parameters.has("bundle") && !(await fetch("bundle/manifest.json", {method: "HEAD"})).ok) {
    say("");
    show(["welcome"], true);
    return;
  }
  await useBundle(folder);
  if (parameters.has("image")) await usePhoto(await (await fetch(parameters.get("image"))).blob());
  if (parameters.has("selftest")) await runSelftest();
  document.body.dataset.state = "done";
}

attempt(start);
