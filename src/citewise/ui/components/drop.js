// While files are dragged over the window, marks the document; style.css then lets the page's
// own upload zone cover everything, so that the drop lands on it wherever it happens.

export default function () {
  const root = document.documentElement;
  let leaving;
  const over = (event) => {
    if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
    event.preventDefault(); // else a file dropped beside the zone would replace the page
    clearTimeout(leaving);
    root.classList.add("files-over");
  };
  const end = () => {
    clearTimeout(leaving);
    leaving = setTimeout(() => root.classList.remove("files-over"), 120);
  };
  if (window.citewiseDrop) window.citewiseDrop();
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", end);
  document.addEventListener("drop", end);
  window.citewiseDrop = () => {
    document.removeEventListener("dragover", over);
    document.removeEventListener("dragleave", end);
    document.removeEventListener("drop", end);
    root.classList.remove("files-over");
  };
  return window.citewiseDrop;
}
