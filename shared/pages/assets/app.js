"use strict";
// The pages work without this: it tells times in the viewer's zone, filters at once, and keeps pages fresh.

function tellTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    time.title = time.dateTime.replace("T", " ").replace("Z", " UTC");
    if (time.dataset.as !== "ago") time.textContent = format.format(at);
  }
}

function filterAtOnce(root) {
  for (const field of root.querySelectorAll("form.filter select")) {
    field.addEventListener("change", () => field.form.requestSubmit());
  }
}

let tag = "";
async function refresh() {
  const main = document.querySelector("main");
  const busy = main.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");
  if (document.hidden || busy || main.querySelector("details[open]")) return;
  const answer = await fetch(location.href, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag") || "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  if (!fresh || fresh.innerHTML === main.dataset.told) return;
  const focused = document.activeElement && main.contains(document.activeElement) ? document.activeElement.id : "";
  const place = window.scrollY;
  main.replaceChildren(...fresh.childNodes);
  main.dataset.told = fresh.innerHTML;
  tellTimes(main);
  filterAtOnce(main);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  window.scrollTo(0, place);
}

tellTimes(document);
filterAtOnce(document);
const seconds = Number(document.body.dataset.live || 0);
if (seconds) setInterval(() => refresh().catch(() => {}), seconds * 1000);
