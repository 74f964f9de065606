// The words of the page's language: t("unread", 3).
const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
const { default: texts } = await import(`/static/texts.${language}.js`);

export function t(key, ...args) {
  let text = texts[key] ?? key;
  for (const arg of args) text = text.replace("%s", () => String(arg));
  return text;
}
