// Brings a new question to the top of the view and keeps it there while its answer grows,
// until the reader scrolls.

function keepInView(main, follow) {
  const turn = [...main.querySelectorAll('[class*="st-key-turn_"]')].pop();
  if (!follow.pinned || !turn) return;
  const top = turn.getBoundingClientRect().top - main.getBoundingClientRect().top + main.scrollTop;
  main.scrollTop = top - 16; // the browser clamps it to what there is
}

function begin(main) {
  const follow = { turn: null, pinned: false };
  const release = () => { follow.pinned = false; };
  for (const kind of ["wheel", "touchmove", "mousedown"]) main.addEventListener(kind, release, { passive: true });
  main.addEventListener("keydown", (event) => {
    if (["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"].includes(event.key)) release();
  });
  follow.observer = new ResizeObserver(() => keepInView(main, follow));
  main.citewiseFollow = follow;
  return follow;
}

export default function ({ data }) {
  const main = document.querySelector('[data-testid="stMain"]');
  if (!main) return;
  const follow = main.citewiseFollow ?? begin(main);
  follow.observer.observe(main.querySelector('[data-testid="stMainBlockContainer"]'));
  clearTimeout(follow.ending);
  if (follow.turn !== data.turn) {
    follow.turn = data.turn;
    follow.pinned = Boolean(data.turn) && !data.stay;
    keepInView(main, follow);
  }
  // The last words and the sources are drawn a moment after the answer ended.
  if (!data.running) follow.ending = setTimeout(() => { follow.pinned = false; }, 1500);
}
