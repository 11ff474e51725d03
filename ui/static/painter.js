// Lets a person paint on a photograph; shapes are in pixels of the image and sent when a stroke ends.

const QUIET_MS = 250;
let mounts = 0;

class Painter {
  constructor(root, key, send) {
    [this.key, this.send] = [key, send];
    this.turn = 0;
    this.choice = recall(key, { tool: null, size: 16, place: null });
    this.history = new History([]);
    this.build(root);
    this.listen();
    root.dataset.mounts = ++mounts;
  }

  build(root) {
    this.root = root;
    this.frame = element("div", {
      class: "frame", tabindex: 0, role: "application",
      "aria-label": "Canvas: plus and minus zoom, arrow keys move, brackets change the brush, Ctrl+Z undoes",
    });
    this.window = new PictureWindow(this.frame, () => this.moved());
    this.canvas = new PainterCanvas(this.window);
    this.drawing = new Drawing(this.window, this.choice, {
      finish: (shape) => this.finish(shape),
      say: (words) => { this.show(); this.say(words); },
    });
    this.frame.append(this.canvas.canvas);
    this.size = sizeSlider((size) => this.choose({ size }));
    this.past = historyButtons({ undo: () => this.undo(), redo: () => this.redo(), clear: () => this.clear() });
    this.zoom = zoomButtons(this.window);
    this.toolPlace = element("div", { class: "tools" });
    this.words = element("p", { class: "words", role: "status" });
    this.where = element("p", { class: "where" });
    const bar = element("div", { class: "bar" }, this.toolPlace, this.size.bar, this.past.bar, this.zoom.bar);
    root.append(bar, this.frame, element("div", { class: "foot" }, this.words, this.where));
  }

  listen() {
    if (this.choice.place) this.window.place = this.choice.place;
    zoomByWheel(this.window);
    moveByPointers(this.window, {
      begin: (event) => this.begin(event),
      move: (event) => { this.drawing.move(event); this.hover(event); },
      end: (event) => { this.drawing.end(event); this.hover(event); },
      cancel: () => this.giveUp(),
      hover: (event) => this.hover(event),
    });
    this.frame.addEventListener("pointerleave", () => this.hover(null));
    this.frame.addEventListener("dblclick", () => this.drawing.close());
    this.root.addEventListener("keydown", (event) => {
      if (!pressed(event, this)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.space = new SpaceBar(this.frame);
    this.observer = new ResizeObserver(() => this.window.lay());
    this.observer.observe(this.frame);
  }

  stop() {
    clearTimeout(this.timer);
    this.space.stop();
    this.observer.disconnect();
  }

  // ---- data from the page

  async update(data) {
    const turn = ++this.turn;
    this.frame.style.height = `${data.height}px`;
    this.limits = data.limits;
    this.useTools([...data.tools, "move"]);
    if (data.subject !== this.subject) this.begins(data.subject);
    try {
      const photo = data.photo === this.photoSource ? this.canvas.photo : await decoded(data.photo);
      const tile = await this.tileOf(data.tile);
      if (turn !== this.turn) return;
      this.canvas.photo = photo;
      this.canvas.tile = tile;
      this.photoSource = data.photo;
    } catch {
      this.say("The picture cannot be shown.");
      return;
    }
    this.window.size = { width: data.size[1], height: data.size[0] };
    this.window.lay();
  }

  async tileOf(tile) {
    if (!tile) return null;
    if (this.canvas.tile?.source === tile.source) return this.canvas.tile;
    return { ...tile, picture: await decoded(tile.source) };
  }

  // Another subject: what was painted on it before, or nothing.
  begins(subject) {
    this.subject = subject;
    this.drawing.giveUp();
    this.history = new History(recall(`${this.key}:${subject}`, []));
    this.canvas.tile = null;
    if (this.history.shapes.length) this.tell();
    this.show();
  }

  useTools(names) {
    if (String(names) === String(this.tools)) return;
    this.tools = names;
    this.buttons = toolButtons(names, (tool) => this.choose({ tool }));
    this.toolPlace.replaceChildren(this.buttons.bar);
    if (!names.includes(this.choice.tool)) this.choice.tool = names[0];
    this.show();
  }

  choose(change) {
    if (change.tool && change.tool !== this.choice.tool) this.drawing.giveUp();
    Object.assign(this.choice, change);
    remember(this.key, this.choice);
    this.show();
  }

  // ---- pointers

  begin(event) {
    if (event.button === 1 || this.space.isDown || this.choice.tool === "move") {
      event.preventDefault();
      return "pan";
    }
    if (event.button !== 0 || !this.canvas.photo) return null;
    this.drawing.begin(event);
    this.hover(event);
    return "draw";
  }

  giveUp() {
    this.drawing.giveUp();
    this.show();
  }

  hover(event) {
    this.pointer = event && { clientX: event.clientX, clientY: event.clientY };
    this.draw();
  }

  // ---- history

  finish(shape) {
    const shapes = [...this.history.shapes, shape];
    const nPoints = shapes.reduce((sum, { points }) => sum + (points?.length ?? 0), 0);
    if (shapes.length > this.limits.shapes || nPoints > this.limits.points) {
      return this.say("That is all that can be painted at once: use a larger brush.");
    }
    this.history.put(shapes);
    this.changed();
  }

  undo() {
    if (this.drawing.corners) {
      this.drawing.removeCorner();
      return this.show();
    }
    if (!this.history.canUndo) return;
    this.history.undo();
    this.changed();
  }

  redo() {
    if (!this.history.canRedo) return;
    this.history.redo();
    this.changed();
  }

  clear() {
    this.drawing.giveUp();
    if (!this.history.shapes.length) return this.show();
    this.history.put([]);
    this.changed();
  }

  changed() {
    remember(`${this.key}:${this.subject}`, this.history.shapes);
    this.show();
    this.tell();
  }

  // ---- the page

  tell() {
    clearTimeout(this.timer);
    const painting = { subject: this.subject, shapes: this.history.shapes, viewport: this.viewport() };
    const text = JSON.stringify(painting);
    if (text === this.told) return;
    this.told = text;
    this.send(painting);
  }

  // The visible part, if the view is too coarse for it.
  viewport() {
    const { photo } = this.canvas;
    const { size, view } = this.window;
    if (!photo || photo.naturalWidth >= size.width || !this.window.frame.width) return null;
    const screenPerPixel = view.scale * this.canvas.ratio;
    if ((screenPerPixel * size.width) / photo.naturalWidth < 1.2) return null;
    const { left, top, right, bottom } = this.canvas.visible();
    if (!(left < right && top < bottom)) return null;
    return { box: [left, top, right, bottom].map(exact), scale: exact(screenPerPixel) || 1 / EXACT };
  }

  moved() {
    this.choice.place = this.window.place;
    remember(this.key, this.choice);
    this.zoom.update();
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (this.viewport()) this.tell(); }, QUIET_MS);
  }

  // ---- drawing

  show() {
    const { tool, size } = this.choice;
    const { canUndo, canRedo, shapes } = this.history;
    const { isBrush, corners } = this.drawing;
    this.buttons?.update(tool);
    this.size.update(size, isBrush);
    this.past.update(canUndo || Boolean(corners), canRedo, shapes.length > 0 || Boolean(corners));
    this.frame.dataset.tool = tool;
    this.say(TOOLS[tool]?.[1] ?? "");
    this.draw();
  }

  say(words) {
    this.words.textContent = words;
  }

  draw() {
    const { current, corners, isBrush, radius } = this.drawing;
    const point = this.pointer && this.window.imagePoint(this.pointer);
    const { width, height } = this.window.size;
    const isInside = point && point[0] >= 0 && point[1] >= 0 && point[0] < width && point[1] < height;
    this.where.textContent = isInside ? `x ${Math.floor(point[0])}  y ${Math.floor(point[1])}` : "";
    this.canvas.draw({
      shapes: this.history.shapes,
      current,
      border: corners && (point ? [...corners, point] : corners),
      cursor: isBrush && point ? { point: this.drawing.brushPoint(this.pointer), radius } : null,
    });
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const send = (painting) => setStateValue("painting", painting);
  const root = parentElement.querySelector(".painter");
  const painter = instanceAt(root, () => new Painter(root, data.key, send));
  painter.send = send;
  painter.update(data);
  return () => painter.stop();
}
