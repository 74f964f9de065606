// A question before something is done: a dialog that stays until it worked or was given up.
import { complaint, explain } from "/static/chat_words.js";
import { t } from "/static/texts.js";

const element = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text ?? "" });

/** A small button that says what it does. While that is under way, another press does nothing. */
export function button(text, act, className = "button little") {
  const made = element("button", className, text);
  made.type = "button";
  let busy = false;
  made.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    made.setAttribute("aria-busy", "true");
    try {
      await act();
    } finally {
      busy = false;
      made.removeAttribute("aria-busy");
    }
  });
  return made;
}

/**
 * Asks, and calls act with what was typed. field is { name, label, value, most }: name is what the
 * server calls it, most the number of characters. Resolves with whether it was done.
 */
export function ask({ title, text = "", field, submit, danger = false, act }) {
  const dialog = element("dialog", "card ask");
  const form = element("form", "stack");
  form.noValidate = true;
  const heading = element("h2", "", title);
  heading.id = "ask-title";
  dialog.setAttribute("aria-labelledby", heading.id);
  form.append(heading);
  if (text !== "") form.append(element("p", "quiet", text));
  const input = field && fieldOf(field);
  if (input) form.append(input.box);
  const failed = element("p", "notice bad");
  failed.setAttribute("role", "alert");
  failed.hidden = true;
  const go = element("button", danger ? "button danger" : "button main", submit);
  const cancel = button(t("cancel"), () => busy || dialog.close(), "button");
  const row = element("div", "row");
  row.append(go, cancel);
  form.append(failed, row);
  dialog.append(form);
  document.body.append(dialog);

  let done = false;
  let busy = false;
  // What is under way cannot be called back: whoever waits has to hear what became of it.
  dialog.addEventListener("cancel", (event) => busy && event.preventDefault());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy || (input && !input.fits())) return;
    busy = true;
    failed.hidden = true;
    go.setAttribute("aria-busy", "true");
    try {
      await act(input?.value());
      done = true;
      dialog.close();
    } catch (problem) {
      const wrong = problem.fields?.find((each) => each.field === field?.name);
      if (wrong && input) return input.complain(complaint(wrong.wrong));
      failed.textContent = explain(problem);
      failed.hidden = false;
    } finally {
      busy = false;
      go.removeAttribute("aria-busy");
    }
  });
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(done);
    });
    dialog.showModal();
    // Whoever only wants to go on must not do harm by it.
    (input?.input ?? (danger ? cancel : go)).focus();
    input?.input.select();
  });
}

function fieldOf({ label, value = "", most }) {
  const box = element("div", "field");
  const name = element("label", "", label);
  const input = element("input", "");
  const under = element("p", "hint");
  input.id = name.htmlFor = "ask-field";
  under.id = "ask-under";
  input.value = value;
  input.autocomplete = "off";
  input.setAttribute("aria-describedby", under.id);
  box.append(name, input, under);

  const over = () => [...input.value.trim()].length > most;
  const complain = (text) => {
    if (under.textContent === text) return;
    box.classList.add("wrong");
    input.ariaInvalid = "true";
    under.className = "complaint";
    under.setAttribute("role", "alert");
    under.textContent = text;
    input.focus();
  };
  const calm = () => {
    box.classList.remove("wrong");
    input.ariaInvalid = null;
    under.className = "hint";
    under.removeAttribute("role");
    under.textContent = t("characters", [...input.value.trim()].length, most);
  };
  const tooLong = () => complaint(`must have at most ${most} characters`);
  input.addEventListener("input", () => (over() ? complain(tooLong()) : calm()));
  calm();
  return {
    box,
    input,
    complain,
    value: () => input.value.trim(),
    fits() {
      if (over()) complain(tooLong());
      return !over();
    },
  };
}
