// What went wrong, in the reader's words.
import { t } from "/static/texts.js";

/**
 * Codes with which the clouds' SDKs say that a message was not taken. Who is blocked is not told so,
 * and strangers are told the same: a difference would tell.
 */
const refusals = {
  405: "unsent.declined", // RongCloud: the recipient blocks the sender
  407: "unsent.declined", // RongCloud: the sender is not on the recipient's allow list
  20604: "unsent.fast",
  21501: "unsent.words",
  21502: "unsent.words",
  603: "unsent.declined", // Easemob: the recipient blocks the sender
  221: "unsent.declined", // Easemob: they are no friends
  204: "unsent.gone", // Easemob: nobody of this name
  219: "unsent.muted",
  507: "unsent.muted",
  501: "unsent.words",
  508: "unsent.words",
  509: "unsent.fast",
  511: "unsent.long",
  not_accepted: "unsent.declined", // imbridge's own, by Easemob's callback
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
  return problem.retryAfter > 0 ? `${said} ${later(problem.retryAfter)}` : said;
}

function later(seconds) {
  if (seconds < 120) return t("problem.retry", Math.ceil(seconds));
  if (seconds < 7200) return t("problem.retry.minutes", Math.ceil(seconds / 60));
  return t("problem.retry.hours", Math.ceil(seconds / 3600));
}

/** What is wrong with a field: the server's own complaint, of which our tables have the words. */
export function complaint(wrong) {
  const numbers = wrong.match(/\d+/g) ?? [];
  const key = `wrong.${wrong.replace(/\d+/g, "#")}`;
  const text = t(key, ...numbers);
  return text === key ? t("wrong.is not allowed") : text;
}
