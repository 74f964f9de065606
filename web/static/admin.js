// The console works without this. With it, times are the reader's own, the
// overview keeps itself fresh, and all rows of a list are marked at once.
import { localDay, localTimes } from "./times.js";

localTimes();

// The days of a filter are the reader's own, as the times are: what is sent is when
// they begin.
const days = document.querySelector("[data-days]");
if (days) {
  const fields = [...document.querySelectorAll('input[type="date"]')];
  for (const field of fields) if (field.dataset.at) field.value = localDay(new Date(field.dataset.at));
  fields[0]?.form.addEventListener("formdata", ({ formData }) => {
    for (const { name, value } of fields) if (value) formData.set(name, new Date(`${value}T00:00`).toISOString().replace(".000Z", "Z"));
  });
  days.textContent = days.dataset.days;
}

// On a narrow screen the bar scrolls: the page that one is on shall show.
document.querySelector(".links [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

const all = document.getElementById("all");
if (all) {
  const boxes = [...document.querySelectorAll('input[name="id"]')];
  const show = () => {
    const marked = boxes.filter((box) => box.checked).length;
    all.checked = marked === boxes.length;
    all.indeterminate = marked > 0 && marked < boxes.length;
  };
  all.hidden = false;
  all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; });
  for (const box of boxes) box.addEventListener("change", show);
  show();
}

// A look each few seconds keeps the admin logged in, so that it ends when nobody
// has been there for a while.
const live = document.getElementById("live");
if (live) {
  const awayAfter = 10 * 60 * 1000;
  let seen = performance.now();
  for (const event of ["pointermove", "keydown", "scroll", "visibilitychange"]) {
    addEventListener(event, () => { seen = performance.now(); }, { passive: true });
  }
  setInterval(async () => {
    const busy = live.contains(document.activeElement);
    if (document.hidden || busy || performance.now() - seen > awayAfter) return;
    try {
      const answer = await fetch("/admin", { credentials: "same-origin", redirect: "manual", headers: { Accept: "text/html" } });
      if (answer.type === "opaqueredirect") { location.assign("/admin/login"); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("live");
      const head = page.querySelector(".page-head time");
      if (!fresh || live.contains(document.activeElement)) return;
      live.replaceChildren(...fresh.childNodes);
      document.querySelector(".page-head time").replaceWith(head);
      localTimes();
    } catch { /* the network is away; the next look tells */ }
  }, Number(live.dataset.refresh) * 1000);
}
