// Shows an answer and reports activated citation chips. Blocks that did not change keep
// their DOM nodes, so that focus and selection survive while text is added below.

const shown = new WeakMap();

function patch(root, html) {
  const next = document.createElement("template");
  next.innerHTML = html; // sanitised and escaped by citewise.ui.render
  const blocks = [...next.content.children];
  blocks.forEach((block, index) => {
    const old = root.children[index];
    if (!old) root.append(block);
    else if (!old.isEqualNode(block)) old.replaceWith(block);
  });
  while (root.children.length > blocks.length) root.lastElementChild.remove();
}

function press(root, pressed) {
  for (const chip of root.querySelectorAll("button.cite")) {
    chip.setAttribute("aria-pressed", String(Number(chip.dataset.marker) === pressed));
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".answer");
  const before = shown.get(root) ?? {};
  if (before.html !== data.html) {
    // The comparison is with unpressed chips, as the server renders them.
    press(root, null);
    patch(root, data.html);
  }
  press(root, data.pressed);
  root.classList.toggle("running", data.running);
  root.setAttribute("aria-busy", String(data.running));
  root.onclick = (event) => {
    const chip = event.target.closest("button.cite");
    if (!chip) return;
    chip.focus();
    press(root, Number(chip.dataset.marker));
    setTriggerValue("open", Number(chip.dataset.marker));
  };
  // A panel that is closed from within takes the focus with it: give it back to the chip. The
  // panel's own elements may still be there, or be gone already.
  const active = document.activeElement;
  const lost = !active || active === document.body || active.closest(".st-key-source_panel");
  if (before.pressed && data.pressed === null && lost) {
    root.querySelector(`button.cite[data-marker="${before.pressed}"]`)?.focus({ preventScroll: true });
  }
  shown.set(root, { html: data.html, pressed: data.pressed });
}
