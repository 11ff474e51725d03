// The parts of a viewer: chips of layers, marks and their list, the handle of the swipe.

const CHECK = "M4.5 10.5l3.5 3.5 7.5-8";
const SWIPE = "M10 2.5v15M6.5 7L3.5 10l3 3M13.5 7l3 3-3 3";
const BESIDE = "M2.5 4.5h6v11h-6zM11.5 4.5h6v11h-6z";
// name, icon, words, hint
const COMPARE = [
  ["swipe", SWIPE, "Swipe", "Draw it over the image, up to a line that you move"],
  ["beside", BESIDE, "Side by side", "Show both at the same place; they move together"],
];

// A second view of a picture that is loaded already.
function copyOf(picture) {
  const copy = picture.cloneNode();
  copy.removeAttribute("style");
  return copy;
}

// A chip turns its layer on and off; its slider is the opacity.
function layerControl(layer, choice, changed) {
  const chip = element(
    "button", { type: "button", class: "chip", "aria-pressed": String(choice.isOn) },
    icon(CHECK), element("span", { text: layer.title }),
  );
  const slider = range({
    min: 0, max: 100, step: 1, value: Math.round(choice.opacity * 100),
    "aria-label": `Opacity: ${layer.title}`,
  });
  const show = () => {
    chip.setAttribute("aria-pressed", String(choice.isOn));
    slider.disabled = !choice.isOn;
    slider.title = `Opacity: ${layer.title}, ${slider.value} %`;
  };
  chip.addEventListener("click", () => {
    choice.isOn = !choice.isOn;
    show();
    changed();
  });
  slider.addEventListener("input", () => {
    choice.opacity = slider.value / 100;
    show();
    changed();
  });
  show();
  return element("div", { class: "layer" }, chip, slider);
}

// The box of a mark.
function markBox(mark, size) {
  const [left, top, right, bottom] = mark.box;
  const box = element("div", { class: `mark ${mark.isAbsent ? "absent" : "present"}` });
  box.style.left = `${(100 * left) / size.width}%`;
  box.style.top = `${(100 * top) / size.height}%`;
  box.style.width = `${(100 * (right - left)) / size.width}%`;
  box.style.height = `${(100 * (bottom - top)) / size.height}%`;
  return box;
}

// A box with a letter on the photograph, and its line in the list; each lights up with the other.
function markPair(mark, size, open) {
  const [left, top] = mark.box;
  const kind = mark.isAbsent ? "absent" : "present";
  const badge = element("button", {
    type: "button", class: "badge", text: mark.letter,
    "aria-label": `${mark.letter}, ${kind}: ${mark.title}`,
  });
  const box = markBox(mark, size);
  box.append(badge, element("span", { class: "tip", "aria-hidden": "true", text: mark.title }));
  box.classList.toggle("low", top < 0.12 * size.height);
  box.classList.toggle("far", left > 0.6 * size.width);

  const line = element(
    "button", { type: "button", class: "line", title: mark.isAbsent ? "Show where it is absent" : "Show this place" },
    element("span", { class: `letter ${kind}`, text: mark.letter, "aria-hidden": "true" }),
    element("span", { class: "words", text: mark.title }),
  );
  const light = (isLit) => {
    box.classList.toggle("lit", isLit);
    line.classList.toggle("lit", isLit);
  };
  for (const part of [badge, line]) {
    part.addEventListener("pointerenter", () => light(true));
    part.addEventListener("pointerleave", () => light(false));
    part.addEventListener("focus", () => light(true));
    part.addEventListener("blur", () => light(false));
    part.addEventListener("click", () => open(mark.box));
  }
  return { box, line: element("li", {}, line) };
}

// The line between the photograph and the other picture; `moved` gets its share of the way, 0 … 1.
function swipeHandle(frameElement, moved) {
  const grip = element("span", { class: "grip" }, icon(SWIPE));
  const handle = element("div", {
    class: "swipe", role: "slider", tabindex: 0, "aria-orientation": "horizontal",
    "aria-label": "Swipe between the image and the other picture",
    "aria-valuemin": 0, "aria-valuemax": 100,
  }, grip);
  let range = [0, 1];
  let share = 0.5;
  const follow = (event) => {
    const x = event.clientX - frameElement.getBoundingClientRect().left;
    moved(clamp((x - range[0]) / (range[1] - range[0]), 0, 1));
  };
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    handle.addEventListener("pointermove", follow);
  });
  for (const over of ["pointerup", "pointercancel"]) {
    handle.addEventListener(over, () => handle.removeEventListener("pointermove", follow));
  }
  handle.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 0.1 : 0.02;
    const next = { ArrowLeft: share - step, ArrowRight: share + step, Home: 0, End: 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    moved(clamp(next, 0, 1));
  });
  const place = (at, low, high) => {
    [share, range] = [at, [low, high]];
    handle.style.left = `${low + at * (high - low)}px`;
    handle.setAttribute("aria-valuenow", Math.round(at * 100));
    handle.setAttribute("aria-valuetext", `${Math.round(at * 100)} % of the image`);
  };
  return { handle, place };
}
