// Asks for a part of the page to be drawn again, as soon as its time has come and nothing runs.
//
// What is asked for at the same moment becomes one request, for one part of the page only. So parts
// take turns, and a person comes first.

const POLL_MS = 30;
// as long as it may take until the page knows that it is asked for something
const TURN_MS = 60;
// between a run that was given up and the one in its place nothing seems to run
const QUIET_MS = 90;
// a request, or the end of a run of the page, may be lost: then the whole page is asked for
const LATE_MS = 1500;
const REST_MS = 4000;
// what the page says of itself may be lost, too: then it seems to run for ever
const STUCK_MS = 4000;
// a button that is released outside of the window is never heard of
const LONGEST_PRESS_MS = 10000;
const BUSY = ["running", "rerunRequested", "stopRequested"];

const timers = new WeakMap();
const shared = (window.partwiseAutoRefresh ??= watchPerson());

function watchPerson() {
  const state = { askedAt: -Infinity, touchedAt: -Infinity, runChangedAt: -Infinity, reloadedAt: -Infinity, isDown: false, page: null };
  const touched = (isDown) => () => { state.touchedAt = performance.now(); state.isDown = isDown ?? state.isDown; };
  for (const [name, isDown] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false], ["click"], ["keydown"], ["input"]]) {
    window.addEventListener(name, touched(isDown), { capture: true, passive: true });
  }
  return state;
}

// Note when the page last began or ended to run.
function watchPage() {
  if (shared.page?.isConnected) return;
  shared.page = document.querySelector("[data-test-script-state]");
  shared.runChangedAt = performance.now();
  const runChanged = () => { shared.runChangedAt = performance.now(); };
  if (shared.page) new MutationObserver(runChanged).observe(shared.page, { attributeFilter: ["data-test-script-state"] });
}

const isBusy = () => BUSY.includes(shared.page?.dataset.testScriptState);

function mayAsk() {
  watchPage();
  const now = performance.now();
  if (now - shared.runChangedAt < (isBusy() ? STUCK_MS : QUIET_MS)) return false;
  const isPressing = shared.isDown && now - shared.touchedAt < LONGEST_PRESS_MS;
  return !isPressing && now - Math.max(shared.askedAt, shared.touchedAt) > TURN_MS;
}

// Ask for the whole page, but not again and again: whoever cannot goes on asking for its part.
function reloads() {
  const now = performance.now();
  if (!window.partwiseRunMarker || now - shared.reloadedAt < REST_MS) return false;
  shared.reloadedAt = shared.askedAt = now;
  window.partwiseRunMarker.reload();
  return true;
}

export default function ({ data, parentElement, setTriggerValue }) {
  // it shows nothing, and takes no place between others
  const host = parentElement.host ?? parentElement;
  const wrapper = host.closest("[data-testid=stElementContainer]");
  wrapper?.style.setProperty("display", "none");

  let askedAt = null;
  const wait = (ms) => { clearTimeout(timers.get(parentElement)); timers.set(parentElement, setTimeout(ask, ms)); };
  const ask = () => {
    if (!mayAsk()) return wait(POLL_MS);
    const isLost = askedAt !== null && performance.now() - askedAt > LATE_MS;
    const isBehind = data.run > (window.partwiseRunMarker?.run ?? Infinity);
    if (!isBusy() && (isLost || isBehind) && reloads()) return wait(LATE_MS);
    askedAt = shared.askedAt = performance.now();
    setTriggerValue("refresh", askedAt);
    wait(Math.max(data.every_ms, LATE_MS) + TURN_MS);
  };
  wait(data.every_ms);
  return () => {
    clearTimeout(timers.get(parentElement));
    wrapper?.style.removeProperty("display");
  };
}
