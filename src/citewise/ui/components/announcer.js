// A live region. It speaks when its text changes, so the same message is not repeated.

export default function ({ data, parentElement }) {
  const region = parentElement.querySelector("[role=status]");
  if (region.textContent !== data.message) region.textContent = data.message;
}
