// Which pixels do shapes cover? The rule of engine/regions/shapes.py, by the same sums.
// A grid samples the image: sample (i, j) is the pixel of column floor(left + i * step) and row
// floor(top + j * step). With a step of 1 it holds every pixel of its window.

const newGrid = (left, top, step, columns, rows) =>
  ({ left, top, step, columns, rows, cells: new Uint8Array(columns * rows), touched: null });

const rowAt = (grid, j) => Math.floor(grid.top + j * grid.step);

// The first sample of a column or row at least as large.
const sampleFrom = (pixel, start, step) => Math.ceil((pixel - start) / step);

// Set the samples of one row whose pixels are in first … stop - 1.
function fillRow(grid, j, first, stop, value) {
  const from = Math.max(sampleFrom(first, grid.left, grid.step), 0);
  const to = Math.min(sampleFrom(stop, grid.left, grid.step), grid.columns);
  if (from >= to) return;
  grid.cells.fill(value, j * grid.columns + from, j * grid.columns + to);
  const box = (grid.touched ??= [from, j, to, j + 1]);
  [box[0], box[1]] = [Math.min(box[0], from), Math.min(box[1], j)];
  [box[2], box[3]] = [Math.max(box[2], to), Math.max(box[3], j + 1)];
}

function rowsBetween(grid, low, high) {
  const from = sampleFrom(Math.floor(low), grid.top, grid.step);
  const to = sampleFrom(Math.ceil(high), grid.top, grid.step);
  return [Math.max(from, 0), Math.min(to, grid.rows)];
}

// A row cuts a disc on its way in one interval: the outermost of both discs and both edges.
function fillWay(grid, [startX, startY], [endX, endY], radius, value) {
  const wayX = endX - startX;
  const wayY = endY - startY;
  const length = Math.sqrt(wayX * wayX + wayY * wayY);
  const sides = wayY === 0 ? [] : [
    [(-wayY * radius) / length, (wayX * radius) / length],
    [(wayY * radius) / length, (-wayX * radius) / length],
  ];
  const [from, to] = rowsBetween(grid, Math.min(startY, endY) - radius, Math.max(startY, endY) + radius);
  for (let j = from; j < to; j++) {
    const atY = rowAt(grid, j) + 0.5;
    let [low, high] = [Infinity, -Infinity];
    for (const [x, y] of [[startX, startY], [endX, endY]]) {
      const rest = radius * radius - (atY - y) * (atY - y);
      if (rest < 0) continue;
      const reach = Math.sqrt(rest);
      low = Math.min(low, x - reach);
      high = Math.max(high, x + reach);
    }
    for (const [sideX, sideY] of sides) {
      const share = (atY - startY - sideY) / wayY;
      if (share < 0 || share > 1) continue;
      const x = startX + share * wayX + sideX;
      low = Math.min(low, x);
      high = Math.max(high, x);
    }
    if (low <= high) fillRow(grid, j, Math.ceil(low - 0.5), Math.floor(high - 0.5) + 1, value);
  }
}

function fillStroke(grid, { points, radius, erase }, from = 0) {
  const value = erase ? 0 : 1;
  if (from === 0) fillWay(grid, points[0], points[0], radius, value);
  for (let i = Math.max(from, 1); i < points.length; i++) {
    fillWay(grid, points[i - 1], points[i], radius, value);
  }
}

function fillBox(grid, [left, top, right, bottom]) {
  const [from, to] = rowsBetween(grid, Math.ceil(top - 0.5), Math.ceil(bottom - 0.5));
  for (let j = from; j < to; j++) fillRow(grid, j, Math.ceil(left - 0.5), Math.ceil(right - 0.5), 1);
}

// How often the border winds around a pixel is the sum of its crossings to the left.
function fillPolygon(grid, points) {
  const crossings = new Map();
  points.forEach((corner, index) => {
    const following = points[(index + 1) % points.length];
    const isDown = following[1] > corner[1];
    // from above, whichever way: what shares the edge must round alike
    const [[x, y], [endX, endY]] = isDown ? [corner, following] : [following, corner];
    const [from, to] = rowsBetween(grid, Math.ceil(y - 0.5), Math.ceil(endY - 0.5));
    for (let j = from; j < to; j++) {
      const atX = x + (rowAt(grid, j) + 0.5 - y) * ((endX - x) / (endY - y));
      if (!crossings.has(j)) crossings.set(j, []);
      crossings.get(j).push([Math.ceil(atX - 0.5), isDown ? 1 : -1]);
    }
  });
  for (const [j, row] of crossings) {
    row.sort((one, other) => one[0] - other[0]);
    let turns = 0;
    row.forEach(([column, direction], index) => {
      turns += direction;
      if (turns !== 0 && index + 1 < row.length) fillRow(grid, j, column, row[index + 1][0], 1);
    });
  }
}

function fillShape(grid, shape) {
  if (shape.kind === "stroke") fillStroke(grid, shape);
  else if (shape.kind === "box") fillBox(grid, shape.box);
  else if (shape.kind === "polygon") fillPolygon(grid, shape.points);
}

// Does a closed border cross itself? Edges that only touch are left to the engine.
function crossesItself(points) {
  const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  const edges = points.map((point, index) => [point, points[(index + 1) % points.length]]);
  return edges.some(([a, b], i) => edges.slice(i + 2).some(([c, d]) =>
    side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0));
}
