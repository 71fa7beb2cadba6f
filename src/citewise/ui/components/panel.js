// Lives inside the source panel: Escape closes it, and a new target scrolls its passage into view.

const targets = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.getRootNode().host ?? parentElement;
  const panel = host.closest(".st-key-source_panel");
  if (!panel) return undefined;

  if (targets.get(panel) !== data.target) {
    targets.set(panel, data.target);
    panel.scrollTop = 0;
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
