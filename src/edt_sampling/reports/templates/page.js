// Tokens: each text is one tab stop; arrow keys, Home and End move among its tokens, and the status line tells about the current one.
const status = document.getElementById("status");
let current = null;

function show(token) {
  if (current) current.classList.remove("at");
  current = token;
  status.textContent = token ? `${token.dataset.told}  “${token.textContent.trim() || "space"}”` : "";
  if (token) token.classList.add("at");
}

for (const text of document.querySelectorAll(".tokens")) {
  const tokens = [...text.querySelectorAll("span")];
  for (const token of tokens) {
    token.dataset.told = token.title;
    token.removeAttribute("title");
  }
  text.addEventListener("mouseover", (event) => show(event.target.closest("span")));
  text.addEventListener("mouseleave", () => show(null));
  text.addEventListener("focus", () => show(tokens[0] ?? null));
  text.addEventListener("blur", () => show(null));
  text.addEventListener("keydown", (event) => {
    const at = tokens.indexOf(current);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: tokens.length - 1 }[event.key];
    if (to === undefined || !tokens.length) return;
    event.preventDefault();
    show(tokens[Math.min(tokens.length - 1, Math.max(0, to))]);
  });
}
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => (details.open = true)));
