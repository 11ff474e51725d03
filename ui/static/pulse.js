// Asks for a part of the page to be drawn again, as soon as its time has come and nothing runs.
//
// What is asked for at the same moment becomes one request, for one part of the page only. So parts
// take turns, and a person comes first.

const LOOK_AGAIN_MS = 30;
// as long as it may take until the page knows that it is asked for something
const TURN_MS = 60;
// a request may be lost with its connection
const ASK_AGAIN_MS = 3000;
// a button that is released outside of the window is never heard of
const LONGEST_PRESS_MS = 10000;
const BUSY = ["running", "rerunRequested", "stopRequested"];

const timers = new WeakMap();
const shared = (window.partwisePulse ??= watched());

function watched() {
  const state = { askedAt: -Infinity, touchedAt: -Infinity, isDown: false };
  const touched = (isDown) => () => { state.touchedAt = performance.now(); state.isDown = isDown ?? state.isDown; };
  for (const [name, isDown] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false], ["click"], ["keydown"], ["input"]]) {
    window.addEventListener(name, touched(isDown), { capture: true, passive: true });
  }
  return state;
}

function mayAsk() {
  const now = performance.now();
  const state = document.querySelector("[data-test-script-state]")?.dataset.testScriptState;
  const isPressing = shared.isDown && now - shared.touchedAt < LONGEST_PRESS_MS;
  return !BUSY.includes(state) && !isPressing && now - Math.max(shared.askedAt, shared.touchedAt) > TURN_MS;
}

export default function ({ data, parentElement, setTriggerValue }) {
  // it shows nothing, and takes no place between others
  const host = parentElement.host ?? parentElement;
  const wrapper = host.closest("[data-testid=stElementContainer]");
  wrapper?.style.setProperty("display", "none");

  const wait = (ms) => { clearTimeout(timers.get(parentElement)); timers.set(parentElement, setTimeout(ask, ms)); };
  const ask = () => {
    if (!mayAsk()) return wait(LOOK_AGAIN_MS);
    shared.askedAt = performance.now();
    setTriggerValue("beat", performance.now());
    wait(Math.max(data.every_ms, ASK_AGAIN_MS));
  };
  wait(data.every_ms);
  return () => {
    clearTimeout(timers.get(parentElement));
    wrapper?.style.removeProperty("display");
  };
}
