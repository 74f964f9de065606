// What went wrong, in the reader's words.
import { t } from "/static/texts.js";

/** Codes with which the clouds' SDKs say that a message was not taken. */
const refusals = {
  405: "blocked", // RongCloud: the recipient blocks the sender
  407: "unsent.friends", // RongCloud: the sender is not on the recipient's allow list
  20604: "unsent.fast",
  21501: "unsent.words",
  21502: "unsent.words",
  603: "blocked", // Easemob
  221: "unsent.friends",
  219: "unsent.muted",
  not_friends: "unsent.friends", // imbridge's own, by Easemob's callback
  not_allowed: "unsent.refused",
  unknown: "unsent.unknown", // ours: no answer, several times
};

/** Why a message did not go out. */
export function refusal(code) {
  const key = refusals[code];
  return key === undefined ? t("unsent", code) : t(key);
}

/** A problem of ours as a sentence. */
export function explain(problem) {
  const key = problem.code === "not_found" ? "friends.gone" : `problem.${problem.code}`;
  const text = t(key);
  const said = text === key ? t("problem.internal") : text;
  return problem.retryAfter > 0 ? `${said} ${t("problem.retry", Math.ceil(problem.retryAfter))}` : said;
}

/** What is wrong with a field: the server's own complaint, of which our tables have the words. */
export function complaint(wrong) {
  const numbers = wrong.match(/\d+/g) ?? [];
  const key = `wrong.${wrong.replace(/\d+/g, "#")}`;
  const text = t(key, ...numbers);
  return text === key ? t("wrong.is not allowed") : text;
}
