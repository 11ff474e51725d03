// What keys do on a painter; the page hears those that mean nothing here.

// Do what a key means; true if it means anything.
function pressed(event, painter) {
  if (event.target.matches("input")) return false;
  const isCommand = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (isCommand && key === "z") event.shiftKey ? painter.redo() : painter.undo();
  else if (isCommand && key === "y") painter.redo();
  else if (isCommand || event.altKey) return false;
  else if (key === "[" || key === "]") resize(painter, key === "]" ? 1 : -1);
  else if (/^[1-9]$/.test(key) && painter.tools[key - 1]) painter.choose({ tool: painter.tools[key - 1] });
  else if (event.target !== painter.frame) return false;
  else if (key === "enter") painter.drawing.close();
  else if (key === "escape") painter.giveUp();
  else return movedByKey(event, painter.window);
  return true;
}

// A step is a share of the size, so that large brushes grow as quickly as small ones.
function resize(painter, direction) {
  const { size } = painter.choice;
  const step = Math.max(1, Math.round(size * 0.15));
  painter.choose({ size: clamp(size + direction * step, 1, MAX_BRUSH) });
}

// The space bar pans while the pointer is over the canvas, unless somebody is writing.
class SpaceBar {
  constructor(frame) {
    this.isDown = false;
    this.stopped = new AbortController();
    const options = { capture: true, signal: this.stopped.signal };
    const isWriting = (event) =>
      event.composedPath()[0].closest?.("input:not([type=range]), textarea, [contenteditable]");
    const set = (isDown) => {
      this.isDown = isDown;
      frame.classList.toggle("panning", isDown);
    };
    window.addEventListener("keydown", (event) => {
      if (event.code !== "Space" || !frame.matches(":hover") || isWriting(event)) return;
      event.preventDefault();
      set(true);
    }, options);
    window.addEventListener("keyup", (event) => { if (event.code === "Space") set(false); }, options);
  }

  stop() {
    this.stopped.abort();
  }
}
