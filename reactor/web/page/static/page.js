// Refreshes the page without a server thread held: a plain GET now and then. Without this script all of it works too.
"use strict";
(() => {
  let failedSince = null;
  const alertBox = document.getElementById("lost");
  const period = () => Number(document.body.dataset.poll) * 1000;

  const busy = () => {
    const at = document.activeElement;
    return at && at.closest("main") && at.matches("input, select, textarea");
  };

  const swap = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const main = document.querySelector("main");
    const focused = document.activeElement && document.activeElement.closest("main") ? document.activeElement : null;
    const again = focused && focused.getAttribute("href");
    const folds = new Map([...main.querySelectorAll("details")].map((one) => [one.dataset.keep, one.open]));
    const fold = focused && focused.matches("summary") && focused.parentElement.dataset.keep;
    const typed = [...main.querySelectorAll("details[open] [name=why]")].map((one) => one.value);
    const notes = [...main.querySelectorAll("[role=status]")];
    const scrolled = [...main.querySelectorAll(".wide")].map((one) => one.scrollLeft);
    const wanted = fresh.querySelector("main");
    main.replaceChildren(...notes, ...wanted.childNodes);
    main.querySelectorAll("details").forEach((one) => { one.open = folds.get(one.dataset.keep) ?? one.open; });
    main.querySelectorAll("details[open] [name=why]").forEach((one, at) => { one.value = typed[at] || ""; });
    main.querySelectorAll(".wide").forEach((one, at) => { one.scrollLeft = scrolled[at] || 0; });
    document.title = fresh.title;
    document.getElementById("as-of").textContent = fresh.getElementById("as-of").textContent;
    if (fold) [...main.querySelectorAll("details")].find((one) => one.dataset.keep === fold)?.querySelector("summary").focus();
    if (again) [...main.querySelectorAll("a[href]")].find((one) => one.getAttribute("href") === again)?.focus();
  };

  const tell = (what) => { alertBox.textContent = what; alertBox.hidden = !what; };

  const look = async () => {
    if (document.hidden || busy()) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") return location.assign(answer.url);
      const text = await answer.text();
      if (answer.ok) { failedSince = null; tell(""); swap(text); return; }
      const trouble = new DOMParser().parseFromString(text, "text/html").getElementById("trouble");
      tell((trouble ? trouble.textContent.trim() : `The server answers ${answer.status}.`) + " What you see below is older.");
    } catch {
      failedSince = failedSince || new Date().toISOString().slice(11, 19) + "Z";
      tell(`vm-drift's page does not answer since ${failedSince}. What you see below is older; recovery goes on without it.`);
    }
  };

  const turn = async () => { await look(); setTimeout(turn, period()); };
  if (period()) setTimeout(turn, period());
})();
