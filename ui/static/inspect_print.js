// Prints a page that is not shown, once for each number, in a frame where no script may run.
const printed = new Set();

export default function ({ data }) {
  const mark = String(data.number);
  if (printed.has(mark)) return;
  printed.add(mark);

  document.getElementById("partwise-print")?.remove();
  const frame = document.createElement("iframe");
  frame.id = "partwise-print";
  frame.title = "Report to print";
  // print() is called from here, so the frame needs no scripts; a modal is the dialogue
  frame.setAttribute("sandbox", "allow-same-origin allow-modals");
  frame.style.cssText = "position:fixed;right:0;bottom:0;width:1px;height:1px;border:0;opacity:0";
  frame.onload = () => {
    frame.contentWindow.focus();
    frame.contentWindow.print();
  };
  frame.srcdoc = data.html;
  document.body.append(frame);
}
