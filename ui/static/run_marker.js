// Knows which run of the page has come to its end here, and can have the page drawn again.

export default function ({ data, setTriggerValue }) {
  window.partwiseRunMarker = { run: data.run, reload: () => setTriggerValue("reload", performance.now()) };
}
