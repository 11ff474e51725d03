// How does a picture lie in its window, and how do wheel, fingers and keys move it?
// A view is {scale, x, y}: CSS pixels per pixel of the image, and where the image's corner lies.

const WHEEL_STEP = 1.0015;
const BUTTON_STEP = 1.5;
const KEY_PAN_PX = 48;
// a scroll of the page that passes over the picture goes on scrolling
const SCROLL_PAUSE_MS = 250;

const fittingScale = (size, frame) => Math.min(frame.width / size.width, frame.height / size.height);

// Keep the scale within limits; centre what is smaller than the window, fill it with what is larger.
function held(view, size, frame, maxScale) {
  const scale = clamp(view.scale, fittingScale(size, frame), maxScale);
  const place = (offset, length, room) =>
    length * scale <= room ? (room - length * scale) / 2 : clamp(offset, room - length * scale, 0);
  return {
    scale,
    x: place(view.x, size.width, frame.width),
    y: place(view.y, size.height, frame.height),
  };
}

// Zoom such that the place below a point of the window stays there.
function zoomedAt(view, factor, at, limits) {
  const scale = clamp(view.scale * factor, limits[0], limits[1]);
  const share = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * share, y: at.y - (at.y - view.y) * share };
}

// Write a view such that it means the same place in another window and on another image.
const relative = (view, size, frame) => ({
  zoom: view.scale / fittingScale(size, frame),
  x: (frame.width / 2 - view.x) / (view.scale * size.width),
  y: (frame.height / 2 - view.y) / (view.scale * size.height),
});

function absolute(place, size, frame) {
  const scale = place.zoom * fittingScale(size, frame);
  return {
    scale,
    x: frame.width / 2 - place.x * size.width * scale,
    y: frame.height / 2 - place.y * size.height * scale,
  };
}

// A window onto a picture: it holds the view, and calls `changed` whenever it moves.
class PictureWindow {
  constructor(frameElement, changed) {
    this.frameElement = frameElement;
    this.changed = changed;
    this.size = { width: 1, height: 1 };
    this.maxScale = 32;
    // panes beside each other that show the same place of as many pictures
    this.columns = 1;
    this.place = { zoom: 1, x: 0.5, y: 0.5 };
    this.frame = { width: 0, height: 0 };
    this.view = { scale: 1, x: 0, y: 0 };
  }

  get isZoomed() {
    return this.view.scale > this.fit * 1.001;
  }

  get fit() {
    return fittingScale(this.size, this.frame);
  }

  // Lay the picture out anew: another image, another size of the window.
  lay() {
    const { clientWidth: width, clientHeight: height } = this.frameElement;
    if (!width || !height) return;
    this.frame = { width: width / this.columns, height };
    this.maxScale = Math.max(this.fit * 8, 32);
    this.view = held(absolute(this.place, this.size, this.frame), this.size, this.frame, this.maxScale);
    this.changed();
  }

  show(view) {
    this.view = held(view, this.size, this.frame, this.maxScale);
    this.place = relative(this.view, this.size, this.frame);
    this.changed();
  }

  zoom(factor, at = { x: this.frame.width / 2, y: this.frame.height / 2 }) {
    this.show(zoomedAt(this.view, factor, at, [this.fit, this.maxScale]));
  }

  pan(x, y) {
    this.show({ ...this.view, x: this.view.x + x, y: this.view.y + y });
  }

  reset() {
    this.show({ scale: this.fit, x: 0, y: 0 });
  }

  // Show a box of the image with some surroundings.
  showBox([left, top, right, bottom]) {
    const room = 2.5;
    const scale = Math.min(
      this.frame.width / ((right - left) * room),
      this.frame.height / ((bottom - top) * room),
      Math.max(this.fit * 4, 2),
    );
    const x = this.frame.width / 2 - ((left + right) / 2) * scale;
    const y = this.frame.height / 2 - ((top + bottom) / 2) * scale;
    this.show({ scale: Math.max(scale, this.fit), x, y });
  }

  // Where on the image is this point of the page?
  imagePoint(event) {
    const at = this.framePoint(event);
    return [(at.x - this.view.x) / this.view.scale, (at.y - this.view.y) / this.view.scale];
  }

  // The same place in the first pane, from wherever it was pointed at.
  inFirstPane({ x, y }) {
    return { x: this.columns > 1 && x >= this.frame.width ? x - this.frame.width : x, y };
  }

  framePoint(event) {
    const box = this.frameElement.getBoundingClientRect();
    const border = this.frameElement;
    return { x: event.clientX - box.left - border.clientLeft, y: event.clientY - box.top - border.clientTop };
  }
}

// Arrow keys, plus, minus and zero; true if the key was one of them.
function movedByKey(event, pictureWindow) {
  const step = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (step) pictureWindow.pan(step[0] * KEY_PAN_PX, step[1] * KEY_PAN_PX);
  else if (event.key === "+" || event.key === "=") pictureWindow.zoom(BUTTON_STEP);
  else if (event.key === "-") pictureWindow.zoom(1 / BUTTON_STEP);
  else if (event.key === "0") pictureWindow.reset();
  else return false;
  return true;
}

let lastScrollElsewhere = -Infinity;
window.addEventListener("wheel", (event) => {
  if (!event.composedPath().some((node) => node.dataset?.takesWheel)) lastScrollElsewhere = event.timeStamp;
}, { capture: true, passive: true });

// Zoom by the wheel, unless the page is being scrolled or there is nothing left to zoom out.
function zoomByWheel(pictureWindow) {
  pictureWindow.frameElement.dataset.takesWheel = "yes";
  pictureWindow.frameElement.addEventListener("wheel", (event) => {
    if (event.timeStamp - lastScrollElsewhere < SCROLL_PAUSE_MS) {
      lastScrollElsewhere = event.timeStamp;
      return;
    }
    if (event.deltaY > 0 && !pictureWindow.isZoomed && !event.ctrlKey) return;
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    // a pinch on a touch pad comes as a wheel with small steps
    const strength = event.ctrlKey && Math.abs(event.deltaY) < 50 ? 6 : 1;
    const factor = WHEEL_STEP ** (-event.deltaY * lines * strength);
    pictureWindow.zoom(factor, pictureWindow.inFirstPane(pictureWindow.framePoint(event)));
  }, { passive: false });
}

// One pointer does what `begin` says ("pan", "draw" or nothing); two fingers pinch and pan.
function moveByPointers(pictureWindow, { begin, move, end, cancel, hover }) {
  const surface = pictureWindow.frameElement;
  const pointers = new Map();
  let mode = null;

  surface.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, input, [role=slider]")) return;
    pointers.set(event.pointerId, pictureWindow.framePoint(event));
    if (pointers.size === 2) {
      if (mode === "draw") cancel();
      mode = "pinch";
    } else if (pointers.size === 1) {
      mode = begin(event);
    }
    if (mode) surface.setPointerCapture(event.pointerId);
  });

  surface.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before || !mode) return hover?.(event);
    const now = pictureWindow.framePoint(event);
    if (mode === "pinch") pinch(pictureWindow, pointers, event.pointerId, now);
    else if (mode === "pan") pictureWindow.pan(now.x - before.x, now.y - before.y);
    else move(event);
    pointers.set(event.pointerId, now);
  });

  const release = (event) => {
    if (!pointers.delete(event.pointerId)) return;
    if (mode === "draw") (event.type === "pointerup" ? end : cancel)(event);
    // the second finger of a pinch goes on panning
    mode = mode === "pinch" && pointers.size ? "pan" : null;
  };
  surface.addEventListener("pointerup", release);
  surface.addEventListener("pointercancel", release);
}

// Two fingers keep the places that they touch.
function pinch(pictureWindow, pointers, movedId, now) {
  const [otherId] = [...pointers.keys()].filter((id) => id !== movedId);
  const other = pointers.get(otherId);
  const before = pointers.get(movedId);
  if (!other) return;
  const apart = (point) => Math.max(Math.hypot(point.x - other.x, point.y - other.y), 1);
  const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
  pictureWindow.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  pictureWindow.zoom(apart(now) / apart(before), pictureWindow.inFirstPane(middle));
}

const MINUS = "M4 10h12";
const PLUS = "M4 10h12M10 4v12";
const WHOLE = "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4";

// Buttons for those without a wheel, and the zoom in words.
function zoomButtons(pictureWindow) {
  const button = (title, path, action) =>
    element("button", { type: "button", class: "tool", "aria-label": title, title, onclick: action }, icon(path));
  const level = element("output", { class: "level", "aria-live": "off" });
  const bar = element(
    "div", { class: "zoom", role: "group", "aria-label": "Zoom" },
    button("Zoom out", MINUS, () => pictureWindow.zoom(1 / BUTTON_STEP)),
    level,
    button("Zoom in", PLUS, () => pictureWindow.zoom(BUTTON_STEP)),
    button("Whole image", WHOLE, () => pictureWindow.reset()),
  );
  return { bar, update: () => { level.textContent = `${Math.round(pictureWindow.view.scale * 100)} %`; } };
}
