// The server's time: what is written here stands among what the cloud has dated, however wrong
// the device's own clock is.
const { now: told } = document.getElementById("chat").dataset;
const [{ responseStart = 0 } = {}] = performance.getEntriesByType("navigation");
const skew = Number(told) - (Date.now() - (performance.now() - responseStart));

/** ms since 1970. */
export const now = () => Date.now() + skew;
