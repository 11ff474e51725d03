// What both components are built of: elements, what a person has chosen, pictures without flicker.

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Build an element; texts are set as text, never as markup.
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "text") node.textContent = value;
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

// Draw a line icon of 20 × 20 from the data of a path.
function icon(path) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 20 20");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  drawing.append(line);
  return drawing;
}

// A slider whose track is filled up to its value, in every theme.
function range(attributes) {
  const slider = element("input", { type: "range", ...attributes });
  const fill = () => slider.style.setProperty("--at", `${(100 * (slider.value - slider.min)) / (slider.max - slider.min)}%`);
  slider.addEventListener("input", fill);
  fill();
  return Object.assign(slider, { fill });
}

// What a person has chosen outlives reruns, other images and a reload of the page.
const remembered = new Map();

function recall(key, fallback) {
  if (remembered.has(key)) return remembered.get(key);
  try {
    const kept = JSON.parse(sessionStorage.getItem("partwise:" + key));
    if (kept !== null) return kept;
  } catch {
    // storage may be forbidden or hold nonsense
  }
  return fallback;
}

function remember(key, value) {
  remembered.set(key, value);
  try {
    sessionStorage.setItem("partwise:" + key, JSON.stringify(value));
  } catch {
    // forbidden or full: it still lasts until the page is left
  }
}

// Resolve once a picture can be drawn at once; null without one.
async function decoded(source) {
  if (!source) return null;
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  return picture;
}

// One instance for each place in the page; it is only told about new data.
const instances = new WeakMap();

function instanceAt(root, mount) {
  if (!instances.has(root)) instances.set(root, mount());
  return instances.get(root);
}
