// The words of the page's language: t("unread", 3).
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const { default: texts } = await import(`/static/texts.${language}.js`);

export function t(key, ...args) {
  let next = 0;
  return (texts[key] ?? key).replaceAll("%s", (gap) => (next < args.length ? String(args[next++]) : gap));
}
