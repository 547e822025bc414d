// The list of pages is in the page; what is typed shortens it. Letters are compared without dots.
(() => {
  const plain = (words) => words.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");
  const field = document.getElementById("asked");
  const heading = document.getElementById("heading");
  const list = document.getElementById("pages");
  const rows = [...list.children].map((row) => ({
    row,
    words: plain(row.textContent + " " + row.dataset.words),
  }));
  // How many pairs of letters of what is asked a page has: the nearest where nothing is exact.
  const likeness = (asked, words) => {
    let found = 0;
    for (let at = 0; at + 1 < asked.length; at += 1) {
      if (words.includes(asked.slice(at, at + 2))) found += 1;
    }
    return found;
  };
  const show = () => {
    const asked = plain(field.value.trim());
    const parts = asked.split(/\s+/).filter(Boolean);
    let found = rows.filter((one) => parts.every((part) => one.words.includes(part)));
    let says = asked ? heading.dataset.found : heading.dataset.all;
    if (!found.length) {
      says = heading.dataset.nearest;
      found = [...rows]
        .sort((a, b) => likeness(asked, b.words) - likeness(asked, a.words))
        .slice(0, 8);
    }
    heading.textContent = says + (asked ? " (" + found.length + ")" : "");
    list.replaceChildren(...found.map((one) => one.row));
  };
  field.addEventListener("input", show);
})();
