// Draws one verdict. Data is only ever set as text or as a number.
export default function ({ data, parentElement }) {
  const find = (name) => parentElement.querySelector(`.${name}`);
  const band = find("band");
  band.dataset.tone = data.tone;
  band.dataset.isBusy = String(data.is_busy);
  find("sign").textContent = data.sign;
  find("word").textContent = data.word;
  const label = find("label");
  label.textContent = data.label;
  label.title = data.label;
  const reason = find("reason");
  reason.textContent = data.reason;
  reason.title = data.reason;

  const gauge = find("gauge");
  gauge.hidden = data.gauge === null;
  if (data.gauge === null) return;
  gauge.title = data.gauge.hint;
  find("total").textContent = data.gauge.total;
  find("limit").textContent = data.gauge.limit;
  find("amount").style.width = `${100 * Number(data.gauge.at)}%`;
  find("bound").style.left = `${100 * Number(data.gauge.limit_at)}%`;
}
