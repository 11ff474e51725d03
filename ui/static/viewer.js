// Shows a photograph with layers, marks and a swipe; whatever a person does stays in the browser.

class Viewer {
  constructor(root, key) {
    this.key = key;
    this.data = null;
    this.turn = 0;
    this.choice = recall(key, { layers: {}, swipe: { isOn: false, share: 0.5 }, place: null });
    this.plane = element("div", { class: "plane" });
    this.frame = element("div", {
      class: "frame", tabindex: 0, role: "group",
      "aria-label": "Image: plus and minus zoom, arrow keys move, 0 shows the whole image",
    }, this.plane);
    this.swipe = swipeHandle(this.frame, (share) => this.choose(() => { this.choice.swipe.share = share; }));
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
      else this.window.zoom(3, this.window.framePoint(event));
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

  makeMarks(size) {
    const names = JSON.stringify([size, this.data.marks, this.data.isListing]);
    if (names === this.markNames) return;
    this.markNames = names;
    for (const shown of this.plane.querySelectorAll(".mark")) shown.remove();
    const marks = this.data.marks.map((mark) => markPair(mark, size, (box) => this.window.showBox(box)));
    this.plane.append(...marks.map(({ box }) => box));
    this.list.replaceChildren(...(this.data.isListing ? marks.map(({ line }) => line) : []));
  }

  makeControls() {
    const names = JSON.stringify([this.layers.map(({ name, title }) => [name, title]), !!this.other, this.data.otherTitle]);
    if (names === this.controlNames) return;
    this.controlNames = names;
    const chips = this.layers.map((layer) =>
      layerControl(layer, this.layerChoice(layer), () => this.choose(() => {})));
    if (this.other) chips.push(this.swipeChip());
    this.controls.replaceChildren(...chips);
  }

  layerChoice({ name, isOn, opacity }) {
    return (this.choice.layers[name] ??= { isOn, opacity });
  }

  swipeChip() {
    this.compare = element(
      "button", { type: "button", class: "chip compare", title: "Swipe against this picture" },
      icon(SWIPE), element("span", { text: `Compare: ${this.data.otherTitle}` }),
    );
    this.compare.addEventListener("click", () => this.choose(() => {
      this.choice.swipe.isOn = !this.choice.swipe.isOn;
    }));
    return element("div", { class: "layer" }, this.compare);
  }

  show() {
    for (const layer of this.layers) {
      const { isOn, opacity } = this.layerChoice(layer);
      layer.picture.style.opacity = opacity;
      layer.picture.style.visibility = isOn ? "visible" : "hidden";
    }
    const isSwiping = Boolean(this.other) && this.choice.swipe.isOn;
    this.compare?.setAttribute("aria-pressed", String(isSwiping));
    if (this.other) this.other.style.visibility = isSwiping ? "visible" : "hidden";
    for (const part of [this.swipe.handle, ...this.sides]) part.hidden = !isSwiping;
    this.place();
  }

  // Put the plane where the view says; lines and letters keep their size.
  place() {
    if (!this.data) return;
    const { view, size, frame } = this.window;
    const width = size.width * view.scale;
    Object.assign(this.plane.style, {
      left: `${view.x}px`, top: `${view.y}px`, width: `${width}px`, height: `${size.height * view.scale}px`,
    });
    this.plane.classList.toggle("coarse", width / this.photo.naturalWidth >= 4);
    this.frame.classList.toggle("zoomed", this.window.isZoomed);
    const [low, high] = [Math.max(view.x, 0), Math.min(view.x + width, frame.width)];
    const { share } = this.choice.swipe;
    this.swipe.place(share, low, high);
    this.sides[0].style.left = `${low + 8}px`;
    this.sides[1].style.right = `${frame.width - high + 8}px`;
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
