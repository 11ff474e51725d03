// What surrounds the canvas of a painter: tools, brush size, history, a line of words.

const TOOLS = {
  brush: ["Brush", "Paint what is meant", "M13.5 3.5l3 3-7 7-3-3zM6 11.5c-2 0-2 2-3 4.5 2.5-.3 5.5 0 5.5-2.5"],
  eraser: ["Eraser", "Take paint away", "M8 16.5l-4.5-4.5 8-8 5 5-7.5 7.5zM8 7.5l5 5M8 16.5h8"],
  box: ["Box", "Drag from corner to corner", "M4 4h12v12H4z"],
  polygon: ["Polygon", "Click the corners; a double click or Enter closes", "M10 3l6.5 5-2.5 8H6L3.5 8z"],
  click: ["Click", "Point at the thing", "M10 2.5v4M10 13.5v4M2.5 10h4M13.5 10h4M10 10h.01"],
  move: ["Move", "Drag the picture; also the middle button or the space bar", "M10 2.5v15M2.5 10h15M7.5 5L10 2.5 12.5 5M7.5 15l2.5 2.5 2.5-2.5M5 7.5L2.5 10 5 12.5M15 7.5l2.5 2.5-2.5 2.5"],
};
const UNDO = "M7 4L3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 010 9H8";
const REDO = "M13 4l3.5 3.5L13 11M16 7.5H8.5a4.5 4.5 0 000 9H12";
const CLEAR = "M4 6h12M8 6V3.5h4V6M5.5 6l.8 10.5h7.4L14.5 6";
const MAX_BRUSH = 400;

// The slider moves evenly through sizes that grow by shares: 1 … 400 px.
const toSlider = (size) => Math.round((100 * Math.log(size)) / Math.log(MAX_BRUSH));
const fromSlider = (value) => Math.max(1, Math.round(MAX_BRUSH ** (value / 100)));

function toolButtons(names, choose) {
  const buttons = new Map();
  names.forEach((name, index) => {
    const [title, hint, path] = TOOLS[name];
    buttons.set(name, element("button", {
      type: "button", class: "tool named", "aria-pressed": "false", "data-tool": name,
      title: `${hint} (${index + 1})`, onclick: () => choose(name),
    }, icon(path), element("span", { text: title })));
  });
  const bar = element("div", { class: "group", role: "group", "aria-label": "Tools" }, ...buttons.values());
  const update = (chosen) => {
    for (const [name, button] of buttons) button.setAttribute("aria-pressed", String(name === chosen));
  };
  return { bar, update };
}

function sizeSlider(changed) {
  const slider = range({
    min: 0, max: 100, step: 1, "aria-label": "Size of the brush", title: "Size of the brush ([ and ])",
    oninput: () => changed(fromSlider(Number(slider.value))),
  });
  const level = element("output", { class: "percent" });
  const bar = element("label", { class: "size" }, element("span", { text: "Size" }), slider, level);
  const update = (size, isUsed) => {
    if (fromSlider(Number(slider.value)) !== size) slider.value = toSlider(size);
    level.textContent = `${size} px`;
    slider.fill();
    slider.setAttribute("aria-valuetext", `${size} pixels`);
    bar.classList.toggle("idle", !isUsed);
    slider.disabled = !isUsed;
  };
  return { bar, update };
}

function historyButtons(actions) {
  const button = (title, keys, path, onclick) =>
    element("button", { type: "button", class: "tool", "aria-label": title, title: `${title}${keys}`, onclick }, icon(path));
  const undo = button("Undo", " (Ctrl+Z)", UNDO, actions.undo);
  const redo = button("Redo", " (Ctrl+Shift+Z)", REDO, actions.redo);
  const clear = button("Clear", "", CLEAR, actions.clear);
  const bar = element("div", { class: "group", role: "group", "aria-label": "History" }, undo, redo, clear);
  const update = (canUndo, canRedo, canClear) => {
    [undo.disabled, redo.disabled, clear.disabled] = [!canUndo, !canRedo, !canClear];
  };
  return { bar, update };
}

// Every state of the painting, so that even clearing can be undone.
class History {
  constructor(kept) {
    this.states = [kept];
    this.at = 0;
  }

  get shapes() {
    return this.states[this.at];
  }

  get canUndo() {
    return this.at > 0;
  }

  get canRedo() {
    return this.at + 1 < this.states.length;
  }

  put(shapes) {
    this.states = [...this.states.slice(0, this.at + 1), shapes];
    this.at += 1;
  }

  undo() {
    this.at = Math.max(this.at - 1, 0);
  }

  redo() {
    this.at = Math.min(this.at + 1, this.states.length - 1);
  }
}
