// Lives inside the source panel: Escape closes it, and a new target scrolls its marked words into view.

const targets = new WeakMap();

// Within boxes that scroll by themselves, bring the marked words into view. The passage is drawn
// some time after this component, hence several looks.
function showMarks(panel, target) {
  if (targets.get(panel) !== target) return;
  for (const box of panel.querySelectorAll(".scroller")) {
    const mark = box.querySelector("mark");
    if (!mark) continue;
    const [inner, outer] = [mark.getBoundingClientRect(), box.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom) {
      box.scrollTop += inner.top - outer.top - box.clientHeight / 3;
    }
    if (inner.left < outer.left || inner.left > outer.right - 40) {
      box.scrollLeft += inner.left - outer.left - box.clientWidth / 3;
    }
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.getRootNode().host ?? parentElement;
  const panel = host.closest(".st-key-source_panel");
  if (!panel) return undefined;

  if (targets.get(panel) !== data.target) {
    targets.set(panel, data.target);
    panel.scrollTop = 0;
    for (const wait of [100, 400, 900]) setTimeout(showMarks, wait, panel, data.target);
    // On a narrow screen the panel covers the answer, so the keyboard belongs into it.
    if (getComputedStyle(panel).getPropertyValue("--covers").trim() === "1") {
      panel.tabIndex = -1;
      panel.focus({ preventScroll: true });
    }
  }

  const closeOnEscape = (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (document.querySelector('[role="dialog"], [data-testid="stPopoverBody"], [role="listbox"]')) return;
    setTriggerValue("close", true);
  };
  if (panel.closeOnEscape) document.removeEventListener("keydown", panel.closeOnEscape);
  panel.closeOnEscape = closeOnEscape;
  document.addEventListener("keydown", closeOnEscape);
  return () => document.removeEventListener("keydown", closeOnEscape);
}
