// One small cell for each page. The arrow keys move between them, so that the whole strip is one
// stop of the Tab key; what a cell stands for is told below when it is pointed at or focused.

function drawn(cells) {
  return cells.map(([state, letter, label], index) => {
    const cell = document.createElement("span");
    cell.className = `cell ${state}`;
    cell.textContent = letter;
    cell.title = label;
    cell.setAttribute("role", "img");
    cell.setAttribute("aria-label", label);
    cell.tabIndex = index ? -1 : 0;
    return cell;
  });
}

function explained(legend) {
  return legend.map(([state, letter, words]) => {
    const item = document.createElement("li");
    const sample = document.createElement("span");
    sample.className = `cell ${state}`;
    sample.textContent = letter;
    sample.setAttribute("aria-hidden", "true");
    item.append(sample, words);
    return item;
  });
}

function goal(cells, from, key) {
  const line = (cell) => cell.offsetTop;
  const beside = (step) => {
    // The nearest cell of the line above or below.
    let index = from;
    while (cells[index] && line(cells[index]) === line(cells[from])) index += step;
    if (!cells[index]) return from;
    const there = line(cells[index]);
    const same = cells.filter((cell) => line(cell) === there);
    return cells.indexOf(same.find((cell) => cell.offsetLeft >= cells[from].offsetLeft) ?? same[same.length - 1]);
  };
  const last = cells.length - 1;
  switch (key) {
    case "ArrowRight": return Math.min(last, from + 1);
    case "ArrowLeft": return Math.max(0, from - 1);
    case "ArrowDown": return beside(1);
    case "ArrowUp": return beside(-1);
    case "Home": return 0;
    case "End": return last;
    default: return null;
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".strip");
  const said = JSON.stringify(data);
  if (root.dataset.said === said) return;
  root.dataset.said = said;
  const [pages, detail, legend] = root.children;
  pages.setAttribute("aria-label", `${data.name}: the arrow keys move from one to the next`);
  pages.replaceChildren(...drawn(data.cells));
  legend.replaceChildren(...explained(data.legend));
  detail.textContent = data.hint;

  const tell = (cell) => { detail.textContent = cell.getAttribute("aria-label"); };
  pages.onmouseover = (event) => { if (event.target.matches(".cell")) tell(event.target); };
  pages.onclick = (event) => { if (event.target.matches(".cell")) event.target.focus(); };
  for (const cell of pages.children) {
    cell.onfocus = () => {
      pages.querySelector("[tabindex='0']").tabIndex = -1;
      cell.tabIndex = 0;
      tell(cell);
    };
  }
  pages.onkeydown = (event) => {
    const cells = [...pages.children];
    const next = goal(cells, cells.indexOf(event.target), event.key);
    if (next === null) return;
    event.preventDefault();
    cells[next].focus();
  };
}
