// Puts a page's times into the reader's own zone, in the form that nobody can take
// for another day: 21 Nov 2026, 19:04 in English, as is customary in Chinese.
const language = document.documentElement.lang;
const format = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });

export function localTimes(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = format.format(new Date(time.dateTime));
}
