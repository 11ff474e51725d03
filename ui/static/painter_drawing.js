// The shape that is being drawn: from the first touch until it is finished or given up.

// coordinates are whole 64ths of a pixel, which JSON and floats write exactly
const EXACT = 64;
const MAX_STROKE_POINTS = 4000;
// a second click so soon and so near is a double click
const DOUBLE_CLICK_MS = 400;
const DOUBLE_CLICK_PX = 8;
const exact = (value) => Math.round(value * EXACT) / EXACT;

class Drawing {
  // `choice` holds tool and size; `finish` takes a shape, `say` words for the person.
  constructor(pictureWindow, choice, { finish, say }) {
    Object.assign(this, { window: pictureWindow, choice, finish, say });
    this.giveUp();
  }

  get isBrush() {
    return this.choice.tool === "brush" || this.choice.tool === "eraser";
  }

  get radius() {
    return this.choice.size / 2;
  }

  giveUp() {
    this.current = this.corners = null;
  }

  begin(event) {
    const { tool } = this.choice;
    if (this.isBrush) {
      this.current = { kind: "stroke", points: [this.brushPoint(event)], radius: this.radius, erase: tool === "eraser" };
    } else if (tool === "box") {
      const [x, y] = this.pointInside(event);
      this.current = { kind: "box", box: [x, y, x, y], from: [x, y] };
    }
  }

  move(event) {
    const { current } = this;
    if (current?.kind === "stroke") this.extend(event.getCoalescedEvents?.() ?? [], event);
    else if (current?.kind === "box") {
      const [[x, y], [toX, toY]] = [current.from, this.pointInside(event)];
      current.box = [Math.min(x, toX), Math.min(y, toY), Math.max(x, toX), Math.max(y, toY)];
    }
  }

  extend(events, event) {
    const { points } = this.current;
    for (const each of events.length ? events : [event]) {
      const point = this.brushPoint(each);
      const last = points.at(-1);
      if (point[0] !== last[0] || point[1] !== last[1]) points.push(point);
    }
    if (points.length < MAX_STROKE_POINTS) return;
    // a long stroke goes on as another one
    const next = { ...this.current, points: [points.at(-1)] };
    this.finish(this.current);
    this.current = next;
  }

  end(event) {
    const { current } = this;
    this.current = null;
    if (current?.kind === "box") {
      const [left, top, right, bottom] = current.box;
      if (left < right && top < bottom) this.finish({ kind: "box", box: current.box });
    } else if (current) this.finish(current);
    else if (this.choice.tool === "polygon") this.addCorner(event);
    else if (this.choice.tool === "click") this.finish({ kind: "click", point: this.pointInside(event) });
  }

  addCorner(event) {
    const point = this.pointInside(event);
    const isNear = (corner) =>
      Math.hypot(point[0] - corner[0], point[1] - corner[1]) * this.window.view.scale < DOUBLE_CLICK_PX;
    const isSoon = event.timeStamp - this.cornerTime < DOUBLE_CLICK_MS;
    this.cornerTime = event.timeStamp;
    this.corners ??= [];
    if (this.corners.length && isSoon && isNear(this.corners.at(-1))) return;
    if (this.corners.length >= 3 && isNear(this.corners[0])) return this.close();
    this.corners.push(point);
    this.say("Enter, a double click or the first corner closes the polygon.");
  }

  removeCorner() {
    this.corners.pop();
    if (!this.corners.length) this.corners = null;
  }

  close() {
    if (!this.corners) return;
    if (this.corners.length < 3) return this.say("A polygon needs three corners or more.");
    if (crossesItself(this.corners)) return this.say("The border crosses itself: undo a corner, or press Escape.");
    const points = this.corners;
    this.corners = null;
    this.finish({ kind: "polygon", points });
  }

  // A brush of one pixel paints the pixel beneath the pointer; a stroke may leave the image.
  brushPoint(event) {
    const { size } = this.window;
    const [x, y] = this.window.imagePoint(event);
    const [nearX, nearY] = [clamp(x, -size.width, 2 * size.width), clamp(y, -size.height, 2 * size.height)];
    if (this.choice.size === 1) return [Math.floor(nearX) + 0.5, Math.floor(nearY) + 0.5];
    return [exact(nearX), exact(nearY)];
  }

  pointInside(event) {
    const { size } = this.window;
    const [x, y] = this.window.imagePoint(event);
    return [exact(clamp(x, 0, size.width)), exact(clamp(y, 0, size.height))];
  }
}
