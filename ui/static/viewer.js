// Shows a photograph with layers, marks and a swipe; whatever a person does stays in the browser.

class Viewer {
  constructor(root, key) {
    this.key = key;
    this.data = null;
    this.turn = 0;
    this.choice = recall(key, { layers: {}, compare: null, share: 0.5, place: null });
    this.plane = element("div", { class: "plane" });
    this.twin = element("div", { class: "twin" });
    this.panes = [element("div", { class: "pane" }, this.plane), element("div", { class: "pane second" }, this.twin)];
    this.frame = element("div", {
      class: "frame", tabindex: 0, role: "group",
      "aria-label": "Image: plus and minus zoom, arrow keys move, 0 shows the whole image",
    }, ...this.panes);
    this.swipe = swipeHandle(this.frame, (share) => this.choose(() => { this.choice.share = share; }));
    this.sides = [element("span", { class: "side left", text: "Image" }), element("span", { class: "side right" })];
    this.window = new PictureWindow(this.frame, () => this.place());
    this.zoom = zoomButtons(this.window);
    this.frame.append(this.swipe.handle, ...this.sides, this.zoom.bar);
    this.controls = element("div", { class: "controls" });
    this.list = element("ul", { class: "marks", "aria-label": "What is marked" });
    root.append(this.frame, this.controls, this.list);
    this.listen();
  }

  listen() {
    if (this.choice.place) this.window.place = this.choice.place;
    zoomByWheel(this.window);
    moveByPointers(this.window, {
      begin: (event) => (event.button === 0 || event.button === 1 ? "pan" : null),
      move() {}, end() {}, cancel() {},
    });
    this.frame.addEventListener("keydown", (event) => {
      if (event.target !== this.frame || !movedByKey(event, this.window)) return;
      event.preventDefault();
      event.stopPropagation();
    });
    this.frame.addEventListener("dblclick", (event) => {
      if (event.target.closest("button, [role=slider]")) return;
      if (this.window.isZoomed) this.window.reset();
      else this.window.zoom(3, this.window.inFirstPane(this.window.framePoint(event)));
    });
    this.observer = new ResizeObserver(() => this.window.lay());
    this.observer.observe(this.frame);
  }

  // Change what is remembered, then show it.
  choose(change) {
    change();
    remember(this.key, this.choice);
    this.show();
  }

  // Take new data; pictures replace the old ones together, once all are decoded.
  async update(data) {
    const turn = ++this.turn;
    this.frame.style.setProperty("--ratio", data.size[1] / data.size[0]);
    this.frame.style.setProperty("--most", `${data.height}px`);
    this.frame.setAttribute("aria-busy", "true");
    let pictures;
    try {
      const layers = data.layers.map((layer) => this.picture(`layer ${layer.name}`, layer.source));
      pictures = await Promise.all([
        this.picture("photo", data.photo), ...layers, this.picture("other", data.other),
      ]);
    } catch {
      pictures = null;
    }
    if (turn !== this.turn) return;
    this.frame.setAttribute("aria-busy", "false");
    this.frame.classList.toggle("broken", !pictures);
    if (pictures) this.take(data, pictures);
  }

  // Keep a picture that is shown in this place already.
  async picture(place, source) {
    const shown = [...this.plane.querySelectorAll("img")].find((each) => each.dataset.place === place);
    if (shown?.src === source) return shown;
    const picture = await decoded(source);
    if (picture) picture.dataset.place = place;
    return picture;
  }

  take(data, pictures) {
    this.data = data;
    const size = { width: data.size[1], height: data.size[0] };
    this.photo = pictures[0];
    this.photo.alt = "The image";
    this.layers = data.layers.map((layer, index) => ({ ...layer, picture: pictures[index + 1] }));
    this.other = pictures.at(-1);
    for (const { picture } of this.layers) picture.alt = "";
    if (this.other) this.other.alt = data.otherTitle;
    for (const picture of pictures.filter(Boolean)) picture.draggable = false;
    this.layInPlane(pictures.filter(Boolean));
    this.layInTwin();
    this.makeMarks(size);
    this.sides[1].textContent = data.otherTitle;
    this.makeControls();
    this.window.size = size;
    this.window.lay();
    this.show();
  }

  // Move only what is new: what stays keeps its focus.
  layInPlane(pictures) {
    for (const shown of this.plane.querySelectorAll("img")) if (!pictures.includes(shown)) shown.remove();
    pictures.forEach((picture, index) => {
      const there = this.plane.children[index];
      if (there !== picture) this.plane.insertBefore(picture, there ?? null);
    });
  }

  layInTwin() {
    if (this.other === this.twinOf) return;
    this.twinOf = this.other;
    this.twin.querySelector("img")?.remove();
    if (this.other) this.twin.prepend(copyOf(this.other));
  }

  makeMarks(size) {
    const names = JSON.stringify([size, this.data.marks, this.data.isListing]);
    if (names === this.markNames) return;
    this.markNames = names;
    for (const shown of this.frame.querySelectorAll(".mark")) shown.remove();
    const marks = this.data.marks.map((mark) => markPair(mark, size, (box) => this.window.showBox(box)));
    this.plane.append(...marks.map(({ box }) => box));
    this.twin.append(...this.data.marks.map((mark) => markBox(mark, size)));
    this.list.replaceChildren(...(this.data.isListing ? marks.map(({ line }) => line) : []));
  }

  makeControls() {
    const names = JSON.stringify([this.layers.map(({ name, title }) => [name, title]), !!this.other, this.data.otherTitle]);
    if (names === this.controlNames) return;
    this.controlNames = names;
    const chips = this.layers.map((layer) =>
      layerControl(layer, this.layerChoice(layer), () => this.choose(() => {})));
    if (this.other) chips.push(this.compareChips());
    this.controls.replaceChildren(...chips);
  }

  layerChoice({ name, isOn, opacity }) {
    return (this.choice.layers[name] ??= { isOn, opacity });
  }

  // Two ways to look at the other picture; pressed again, a chip ends its way.
  compareChips() {
    const chip = ([way, path, words, title]) => element(
      "button", {
        type: "button", class: "chip compare", title, "data-way": way,
        onclick: () => this.choose(() => { this.choice.compare = this.choice.compare === way ? null : way; }),
      },
      icon(path), element("span", { text: words }),
    );
    this.ways = COMPARE.map(chip);
    return element(
      "div", { class: "layer", role: "group", "aria-label": `Compare: ${this.data.otherTitle}` },
      element("span", { class: "other", text: this.data.otherTitle }), ...this.ways,
    );
  }

  show() {
    for (const layer of this.layers) {
      const { isOn, opacity } = this.layerChoice(layer);
      layer.picture.style.opacity = opacity;
      layer.picture.style.visibility = isOn ? "visible" : "hidden";
    }
    const { compare } = this;
    for (const chip of this.ways ?? []) chip.setAttribute("aria-pressed", String(chip.dataset.way === compare));
    if (this.other) this.other.style.visibility = compare === "swipe" ? "visible" : "hidden";
    this.swipe.handle.hidden = compare !== "swipe";
    for (const side of this.sides) side.hidden = !compare;
    this.panes[1].hidden = compare !== "beside";
    this.frame.classList.toggle("beside", compare === "beside");
    const columns = compare === "beside" ? 2 : 1;
    if (columns === this.window.columns) return this.place();
    this.window.columns = columns;
    this.window.lay();
  }

  // How the other picture is shown, if there is one: "swipe", "beside" or null.
  get compare() {
    return this.other ? this.choice.compare ?? null : null;
  }

  // Put the plane where the view says; lines and letters keep their size.
  place() {
    if (!this.data) return;
    const { view, size, frame } = this.window;
    const width = size.width * view.scale;
    for (const plane of [this.plane, this.twin]) {
      Object.assign(plane.style, {
        left: `${view.x}px`, top: `${view.y}px`, width: `${width}px`, height: `${size.height * view.scale}px`,
      });
      plane.classList.toggle("coarse", width / this.photo.naturalWidth >= 4);
    }
    this.frame.classList.toggle("zoomed", this.window.isZoomed);
    const [low, high] = [Math.max(view.x, 0), Math.min(view.x + width, frame.width)];
    const { share } = this.choice;
    this.swipe.place(share, low, high);
    this.sides[0].style.left = `${low + 8}px`;
    const isBeside = this.compare === "beside";
    this.sides[1].style.left = isBeside ? `${frame.width + low + 8}px` : "auto";
    this.sides[1].style.right = isBeside ? "auto" : `${frame.width - high + 8}px`;
    const cut = low + share * (high - low) - view.x;
    if (this.other) this.other.style.clipPath = `inset(0 0 0 ${(100 * cut) / width}%)`;
    this.zoom.update();
    this.choice.place = this.window.place;
    remember(this.key, this.choice);
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".viewer");
  const viewer = instanceAt(root, () => new Viewer(root, data.key));
  viewer.update(data);
  return () => viewer.observer.disconnect();
}
