// Puts a page's times into the reader's own zone, in the form that nobody can take
// for another day: 21 Nov 2026, 19:04 in English, as is customary in Chinese.
const language = document.documentElement.lang;

/** The way in which this page writes times of the given parts. */
export const timeFormat = (parts) => new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { hourCycle: "h23", ...parts });

const format = timeFormat({ dateStyle: "medium", timeStyle: "short" });

/** The reader's own day of a moment, as a field for days wants it. */
export function localDay(moment) {
  const two = (n) => String(n).padStart(2, "0");
  return `${String(moment.getFullYear()).padStart(4, "0")}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}

export function localTimes(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) time.textContent = format.format(new Date(time.dateTime));
}
