// Draws the table of classes and tells which are chosen. Data is only ever set as text or colour.
const HEX = /^#[0-9a-f]{6}$/i;

const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};

const color = (text) => (HEX.test(text) ? text : "#8a94a0");

const box = (row, isChosen) => {
  const cell = make("td", "choose");
  const input = make("input");
  input.type = "checkbox";
  input.checked = isChosen;
  input.dataset.id = row.id;
  input.setAttribute("aria-label", `Choose ${row.name}`);
  cell.append(input);
  return cell;
};

const swatch = (row) => {
  const cell = make("td");
  const chip = make("span", "chip", row.id);
  chip.style.setProperty("--fill", color(row.color));
  chip.style.setProperty("--ink", color(row.ink));
  cell.append(chip);
  return cell;
};

const title = (row) => {
  const cell = make("th", "", row.name);
  cell.scope = "row";
  cell.append(make("span", "kind", row.kind));
  cell.lastChild.title = row.kind_means;
  return cell;
};

const counts = (row) => {
  const cell = make("td", "counts");
  row.counts.forEach((n, index) => {
    cell.append(make("span", row.is_odd[index] ? "is-off" : "", n));
  });
  return cell;
};

const line = (row, isChosen) => {
  const element = make("tr");
  element.classList.toggle("is-chosen", isChosen);
  element.classList.toggle("is-idle", row.is_idle);
  element.classList.toggle("is-rule", row.is_rule);
  element.append(
    box(row, isChosen),
    swatch(row),
    title(row),
    counts(row),
    make("td", "number rule", row.accepted),
    make("td", "rule", row.tolerance),
    make("td", "number", row.share),
  );
  return element;
};

const head = (headings) => {
  const element = make("tr");
  headings.forEach(([text, hint]) => {
    const cell = make("th", "", text);
    cell.scope = "col";
    if (hint) cell.title = hint;
    element.append(cell);
  });
  return element;
};

// Bring a chosen class into sight that was not there before, say one that was just painted.
const showNew = (wrap, data) => {
  const before = wrap.shownIds ?? new Set();
  wrap.shownIds = new Set(data.rows.map((row) => row.id));
  const id = data.chosen.find((each) => !before.has(each));
  if (id === undefined) return;
  const row = wrap.querySelector(`input[data-id="${Number(id)}"]`)?.closest("tr");
  if (row) wrap.scrollTop = Math.max(wrap.scrollTop, row.offsetTop + row.offsetHeight - wrap.clientHeight);
};

export default function ({ data, parentElement, setTriggerValue }) {
  const chosen = new Set(data.chosen);
  const table = make("table");
  table.setAttribute("aria-label", "Classes of parts");
  table.append(make("thead"), make("tbody"));
  table.tHead.append(head(data.headings));
  table.tBodies[0].append(...data.rows.map((row) => line(row, chosen.has(row.id))));

  const tell = () => {
    const inputs = [...table.querySelectorAll("input")];
    inputs.forEach((input) => input.closest("tr").classList.toggle("is-chosen", input.checked));
    setTriggerValue("chosen", inputs.filter((input) => input.checked).map((input) => Number(input.dataset.id)));
  };
  table.addEventListener("change", tell);
  table.addEventListener("click", (event) => {
    const row = event.target.closest("tbody tr");
    if (!row || event.target.matches("input")) return;
    const input = row.querySelector("input");
    input.checked = !input.checked;
    tell();
  });

  const wrap = parentElement.querySelector(".wrap");
  const focused = parentElement.activeElement ?? wrap.getRootNode().activeElement;
  const focusedId = focused?.dataset?.id;
  const scrollTop = wrap.scrollTop;
  wrap.style.setProperty("--height", `${Number(data.height)}px`);
  wrap.replaceChildren(table);
  wrap.scrollTop = scrollTop;
  showNew(wrap, data);
  if (focusedId !== undefined) {
    table.querySelector(`input[data-id="${Number(focusedId)}"]`)?.focus({ preventScroll: true });
  }
}
