// Whoever has logged out leaves nothing of the chat behind in this tab. Who was put out comes
// back to what they have written.
const why = new URLSearchParams(location.search).get("why");
if (why === "out" || why === "deleted") {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith("imbridge:")) sessionStorage.removeItem(key);
  } catch {
    // No storage: nothing was kept.
  }
}
