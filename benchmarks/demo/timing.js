// Runs in the page: notes when a key was pressed, and when the cards that followed were
// painted, with and without the photos that are in sight. Milliseconds of performance.now().
(() => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    // The first task after a frame.
    port1.onmessage = () => done(performance.now());
    port2.postMessage(null);
  }));
  const inSight = (image) => {
    const { top, bottom } = image.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };
  let pressed = 0;
  addEventListener("keydown", (event) => {
    pressed = event.timeStamp;
    performance.clearResourceTimings();
    window.measured = null;
  }, true);
  const watch = async () => {
    if (window.measured) return;
    window.measured = { pressed };
    const cards = await painted();
    const images = [...document.querySelectorAll(".card img")].filter(inSight);
    await Promise.all(images.map((image) => image.decode().catch(() => {})));
    const [asked] = performance.getEntriesByType("resource")
      .filter((entry) => entry.name.includes("api/search"));
    Object.assign(window.measured, {
      asked: asked.startTime, answered: asked.responseEnd, cards, photos: await painted(),
    });
  };
  addEventListener("DOMContentLoaded", () => {
    const columns = document.getElementById("columns");
    new MutationObserver(watch).observe(columns, { childList: true, subtree: true });
  });
})();
