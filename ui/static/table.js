// Draws rows of marks, words, bars and figures. Data is only ever set as text, colour or number.
const HEX = /^#[0-9a-f]{6}$/i;

const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};

const chip = (line) => {
  const element = make("span", line.is_dashed ? "chip is-dashed" : "chip", line.mark);
  element.style.setProperty("--fill", HEX.test(line.color) ? line.color : "#8a94a0");
  element.style.setProperty("--ink", HEX.test(line.ink) ? line.ink : "#ffffff");
  return element;
};

const title = (line) => {
  const cell = make("th", "title");
  cell.scope = "row";
  cell.append(make("b", "", line.title));
  if (line.hint) cell.append(make("span", "hint", line.hint));
  return cell;
};

const bar = (line) => {
  const cell = make("td", "bar");
  const track = make("span", "track");
  const amount = make("i");
  amount.style.width = `${100 * Math.min(1, Math.max(0, Number(line.amount)))}%`;
  track.append(amount);
  cell.append(track);
  return cell;
};

const row = (line, has) => {
  const element = make("tr");
  element.dataset.tone = line.tone;
  if (has.marks) {
    const cell = make("td", "mark");
    if (line.mark || line.color) cell.append(chip(line));
    element.append(cell);
  }
  element.append(title(line));
  if (has.bars) element.append(line.amount === null ? make("td", "bar") : bar(line));
  element.append(...line.cells.map((text) => make("td", "number", text)));
  return element;
};

const head = (headings, has) => {
  const element = make("tr");
  if (has.marks) element.append(make("td"));
  headings.forEach((text, index) => {
    const cell = make("th", index === 0 ? "title" : "number", text);
    cell.scope = "col";
    element.append(cell);
    if (index === 0 && has.bars) element.append(make("td", "bar"));
  });
  return element;
};

export default function ({ data, parentElement }) {
  const has = {
    marks: data.lines.some((line) => line.mark || line.color),
    bars: data.lines.some((line) => line.amount !== null),
  };
  const table = make("table");
  table.setAttribute("aria-label", data.label);
  if (data.headings.length > 0) {
    table.append(make("thead"));
    table.tHead.append(head(data.headings, has));
  }
  table.append(make("tbody"));
  table.tBodies[0].append(...data.lines.map((line) => row(line, has)));
  parentElement.querySelector(".wrap").replaceChildren(table);
}
