// Photos that are dropped on the page or pasted into it.

const photoOf = (data) => [...(data?.files ?? [])][0];

/** Calls `take` with a dropped or pasted file; `veil` is shown while one is dragged. */
export function photoDropped(veil, take) {
  const hasFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  addEventListener("drop", (event) => {
    veil.hidden = true;
    const file = photoOf(event.dataTransfer);
    if (!file) return;
    event.preventDefault();
    take(file);
  });
  addEventListener("paste", (event) => {
    const file = photoOf(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    take(file);
  });
}
