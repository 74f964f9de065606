// Runs one example of the README as a page would. A line on the standard input hides the page.
import "./as_browser.mjs";

process.stdin.once("data", () => window.dispatchEvent(new Event("pagehide")));
await import(process.argv[2]);
