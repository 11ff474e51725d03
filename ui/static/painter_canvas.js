// Draws a photograph, its sharp tile, and what is painted on it, pixel by pixel.

// a clear blue, a third opaque, as the bytes red, green, blue, opacity
const [PAINT] = new Uint32Array(new Uint8Array([0, 140, 255, 96]).buffer);
// from here on pixels are seen one by one, in pixels of the screen
const COARSE_SCALE = 3;
const GRID_SCALE = 8;

class PainterCanvas {
  constructor(pictureWindow) {
    this.window = pictureWindow;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.context = this.canvas.getContext("2d");
    this.paint = document.createElement("canvas");
    this.photo = null;
    this.tile = null;
    this.grid = null;
    this.isWaiting = false;
  }

  // Draw before the next frame, once, however often it is asked for.
  draw(scene) {
    this.scene = scene;
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.drawNow();
    });
  }

  get ratio() {
    return window.devicePixelRatio || 1;
  }

  // The visible part of the image, in its pixels.
  visible() {
    const { view, frame, size } = this.window;
    return {
      left: clamp(-view.x / view.scale, 0, size.width),
      top: clamp(-view.y / view.scale, 0, size.height),
      right: clamp((frame.width - view.x) / view.scale, 0, size.width),
      bottom: clamp((frame.height - view.y) / view.scale, 0, size.height),
    };
  }

  drawNow() {
    if (!this.photo || !this.window.frame.width) return;
    this.fitCanvas();
    const { context, canvas } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    this.drawPicture(this.photo, [0, 0, this.window.size.width, this.window.size.height]);
    if (this.tile) this.drawPicture(this.tile.picture, this.tile.box);
    this.updateGrid();
    this.drawPaint();
    this.drawPixelGrid();
    this.drawOutlines();
  }

  fitCanvas() {
    const { width, height } = this.window.frame;
    const [columns, rows] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
    if (this.canvas.width === columns && this.canvas.height === rows) return;
    [this.canvas.width, this.canvas.height] = [columns, rows];
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
  }

  // From pixels of the image to pixels of the screen.
  screen(x, y) {
    const { view } = this.window;
    return [(x * view.scale + view.x) * this.ratio, (y * view.scale + view.y) * this.ratio];
  }

  drawPicture(picture, [left, top, right, bottom]) {
    const [x, y] = this.screen(left, top);
    const [endX, endY] = this.screen(right, bottom);
    const perPixel = (endX - x) / picture.naturalWidth;
    this.context.imageSmoothingEnabled = perPixel < COARSE_SCALE;
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(picture, x, y, endX - x, endY - y);
  }

  // Sample what is visible: every pixel, or one for each pixel of the screen.
  updateGrid() {
    const { left, top, right, bottom } = this.visible();
    const step = Math.max(1, 1 / (this.window.view.scale * this.ratio));
    const [x, y] = [Math.floor(left), Math.floor(top)];
    const [columns, rows] = [Math.ceil((right - x) / step), Math.ceil((bottom - y) / step)];
    const { shapes, current } = this.scene;
    const all = current ? [...shapes, current] : shapes;
    const name = [x, y, step, columns, rows].join();
    const isSame = this.grid?.name === name && this.drawn.length <= all.length
      && this.drawn.every((shape, index) => shape === all[index]) && !this.wasFree;
    if (!isSame) {
      this.grid = { ...newGrid(x, y, step, Math.max(columns, 1), Math.max(rows, 1)), name };
      this.drawn = [];
      this.nPoints = 0;
    }
    // a stroke only grows: go on where it was left
    const last = this.drawn.at(-1);
    if (last?.kind === "stroke" && last.points.length > this.nPoints) fillStroke(this.grid, last, this.nPoints);
    for (const shape of all.slice(this.drawn.length)) fillShape(this.grid, shape);
    this.drawn = all;
    this.nPoints = all.at(-1)?.points?.length ?? 0;
    this.wasFree = Boolean(current) && current.kind !== "stroke";
  }

  // Lay the painted cells over the picture; only what was touched is looked at.
  drawPaint() {
    const { grid, paint, context } = this;
    if (!grid.touched) return;
    const [left, top, right, bottom] = grid.touched;
    [paint.width, paint.height] = [right - left, bottom - top];
    const brush = paint.getContext("2d");
    const image = brush.createImageData(paint.width, paint.height);
    const colors = new Uint32Array(image.data.buffer);
    for (let j = top, at = 0; j < bottom; j++) {
      for (let i = left; i < right; i++, at++) if (grid.cells[j * grid.columns + i]) colors[at] = PAINT;
    }
    brush.putImageData(image, 0, 0);
    const side = grid.step * this.window.view.scale * this.ratio;
    const [x, y] = this.screen(grid.left, grid.top);
    context.imageSmoothingEnabled = false;
    context.drawImage(paint, x + left * side, y + top * side, paint.width * side, paint.height * side);
    this.strokeTwice(this.border(x, y, side));
  }

  // The border of what is painted, along the pixels; where the window ends is no border.
  border(x, y, side) {
    const { columns, rows, cells, touched: [left, top, right, bottom] } = this.grid;
    const path = new Path2D();
    const differs = (i, j, nextI, nextJ) =>
      nextI < columns && nextJ < rows && cells[j * columns + i] !== cells[nextJ * columns + nextI];
    for (let j = Math.max(top - 1, 0); j < bottom; j++) {
      for (let i = Math.max(left - 1, 0); i < right; i++) {
        const [endX, endY] = [x + (i + 1) * side, y + (j + 1) * side];
        if (differs(i, j, i + 1, j)) { path.moveTo(endX, endY - side); path.lineTo(endX, endY); }
        if (differs(i, j, i, j + 1)) { path.moveTo(endX - side, endY); path.lineTo(endX, endY); }
      }
    }
    return path;
  }

  // White on dark is seen on every photograph.
  strokeTwice(path, width = 1) {
    const { context, ratio } = this;
    context.lineJoin = "round";
    context.strokeStyle = "rgb(10 20 30 / 65%)";
    context.lineWidth = (width + 1.6) * ratio;
    context.stroke(path);
    context.strokeStyle = "#fff";
    context.lineWidth = width * ratio;
    context.stroke(path);
  }

  drawPixelGrid() {
    if (this.window.view.scale < GRID_SCALE) return;
    const { left, top, right, bottom } = this.visible();
    const lines = new Path2D();
    for (let x = Math.ceil(left); x <= right; x++) {
      lines.moveTo(...this.screen(x, top));
      lines.lineTo(...this.screen(x, bottom));
    }
    for (let y = Math.ceil(top); y <= bottom; y++) {
      lines.moveTo(...this.screen(left, y));
      lines.lineTo(...this.screen(right, y));
    }
    this.context.lineWidth = 1;
    this.context.strokeStyle = "rgb(128 128 128 / 45%)";
    this.context.stroke(lines);
  }

  // The border being drawn, the points clicked, and the brush beneath the pointer.
  drawOutlines() {
    const { shapes, border, cursor } = this.scene;
    for (const shape of shapes) if (shape.kind === "click") this.drawClick(shape.point);
    if (border) this.drawCorners(border);
    if (cursor) {
      const circle = new Path2D();
      const [x, y] = this.screen(...cursor.point);
      circle.arc(x, y, Math.max(cursor.radius * this.window.view.scale * this.ratio, 2), 0, 2 * Math.PI);
      this.strokeTwice(circle);
    }
  }

  drawClick(point) {
    const [x, y] = this.screen(...point);
    const [inner, outer] = [4 * this.ratio, 11 * this.ratio];
    const cross = new Path2D();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      cross.moveTo(x + inner * dx, y + inner * dy);
      cross.lineTo(x + outer * dx, y + outer * dy);
    }
    this.strokeTwice(cross, 2);
  }

  drawCorners(points) {
    const line = new Path2D();
    const dots = new Path2D();
    points.forEach((point, index) => {
      const [x, y] = this.screen(...point);
      if (index) line.lineTo(x, y);
      else line.moveTo(x, y);
      dots.moveTo(x + 3 * this.ratio, y);
      dots.arc(x, y, 3 * this.ratio, 0, 2 * Math.PI);
    });
    this.strokeTwice(line);
    this.strokeTwice(dots, 2);
  }
}
