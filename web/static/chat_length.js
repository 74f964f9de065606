// How long a message may be where a cloud counts bytes: what is too long stays with its writer.
import { t } from "/static/texts.js";

const bytes = (text) => new TextEncoder().encode(text).length;

/** How many characters of a text are beyond a number of bytes. */
export function beyond(text, most) {
  const characters = [...text];
  let left = most;
  const fitting = characters.findIndex((character) => (left -= bytes(character)) < 0);
  return fitting < 0 ? 0 : characters.length - fitting;
}

/** Holds back what is too long for a form and its field; most is bytes of UTF-8. */
export function limit(form, field, most) {
  const note = document.createElement("p");
  note.className = "notice bad small";
  note.setAttribute("role", "alert");
  note.hidden = true;
  form.before(note);
  // Whoever leaves the field may be on the way to another conversation.
  for (const event of ["input", "blur"]) field.addEventListener(event, () => (note.hidden = true));
  form.addEventListener(
    "submit",
    (event) => {
      const over = beyond(field.value.trim(), most);
      note.hidden = over === 0;
      if (over === 0) return;
      note.textContent = t("unsent.too_long", over);
      field.focus();
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
}
