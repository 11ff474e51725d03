// Asks for a part of the page to be drawn again, as soon as its time has come and nothing runs.

const LOOK_AGAIN_MS = 30;
const BUSY = ["running", "rerunRequested", "stopRequested"];
const timers = new WeakMap();

const isBusy = () => BUSY.includes(document.querySelector("[data-test-script-state]")?.dataset.testScriptState);

export default function ({ data, parentElement, setTriggerValue }) {
  // it shows nothing, and takes no place between others
  const host = parentElement.host ?? parentElement;
  const wrapper = host.closest("[data-testid=stElementContainer]");
  wrapper?.style.setProperty("display", "none");

  const wait = (ms) => { clearTimeout(timers.get(parentElement)); timers.set(parentElement, setTimeout(ask, ms)); };
  const ask = () => { if (isBusy()) wait(LOOK_AGAIN_MS); else setTriggerValue("beat", data.beat); };
  wait(data.every_ms);
  return () => {
    clearTimeout(timers.get(parentElement));
    wrapper?.style.removeProperty("display");
  };
}
