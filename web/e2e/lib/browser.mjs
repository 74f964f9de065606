// Browser contexts that watch over every request and every complaint of their pages.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { atEnd } from "./ending.mjs";
import { password } from "./server.mjs";

const executablePath = process.env.IMBRIDGE_CHROMIUM ?? "/usr/bin/chromium";
// Requests are asserted where they are seen, and stopped where they are made.
const flags = [
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  // Even what slips past the watch below finds no name to go to.
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
];

/** RongCloud's SDK asks this address for its settings, always; our Content-Security-Policy forbids it. */
const homeCall = /^https:\/\/dualstack-cloudcontrol\.rong-edge\.com\//;

/** The socket of RongCloud's SDK, whose protocol has the connect token in its address. */
const connects = /^ws:\/\/127\.0\.0\.1:\d+\/websocket\?/;

/** What browsers write into the console for it, and what the SDK makes of it. */
const noise = [
  /rong-edge\.com.*(Content Security Policy|violates)/s,
  /(Content Security Policy|violates).*rong-edge\.com/s,
];

export const viewports = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };

/** A browser for the tests of `t`. */
export async function browser(t) {
  const chrome = await chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: flags });
  atEnd(t, () => chrome.close());
  return chrome;
}

function onLoopback(address) {
  const url = new URL(address);
  return ["data:", "blob:", "about:"].includes(url.protocol) || ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
}

/**
 * A context of its own, as another person's browser. `allow` are patterns of console
 * errors that belong to the test. After the test everything is asserted that was seen.
 */
export async function context(t, chrome, { lang = "en", theme = "light", size = "desktop", allow = [] } = {}) {
  const ctx = await chrome.newContext({
    viewport: viewports[size],
    locale: lang === "zh" ? "zh-CN" : "en-GB",
    colorScheme: theme,
    reducedMotion: "reduce",
    serviceWorkers: "block",
  });
  ctx.setDefaultTimeout(20_000);
  // Which states of the connection the page has shown, since it was loaded.
  await ctx.addInitScript(() => {
    const seen = (globalThis.statesSeen = []);
    const look = () => {
      const state = document.getElementById("state")?.dataset.state;
      if (state !== undefined && state !== seen.at(-1)) seen.push(state);
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributeFilter: ["data-state"] });
  });
  const left = [];
  const tokens = new Map(); // what a person of this context is let in with → where it came from
  const addresses = new Set();
  const reading = new Set();
  const complaints = [];
  const homeCalls = { tried: 0, forbidden: 0, reported: 0 };
  await ctx.route((url) => !onLoopback(url.href), (route) => {
    left.push(`${route.request().method()} ${route.request().url()} got past the Content-Security-Policy`);
    return route.abort();
  });
  ctx.on("response", (answer) => {
    const read = noteTokens(answer, tokens).catch(() => {}); // of a page that is gone
    reading.add(read);
    void read.then(() => reading.delete(read));
  });
  ctx.on("request", (request) => {
    addresses.add(request.url());
    if (onLoopback(request.url())) return;
    if (homeCall.test(request.url())) homeCalls.tried++;
    else left.push(`${request.method()} ${request.url()}`);
  });
  ctx.on("requestfailed", (request) => {
    if (homeCall.test(request.url()) && request.failure()?.errorText.includes("csp")) homeCalls.forbidden++;
  });
  ctx.on("console", (message) => {
    if (message.type() !== "error") return;
    const text = `${message.text()} (${message.location().url})`;
    if (noise.some((n) => n.test(text))) homeCalls.reported++;
    else if (!allow.some((a) => a.test(text))) complaints.push(text);
  });
  ctx.on("weberror", (error) => {
    const text = String(error.error()?.stack ?? error.error());
    if (![...noise, ...allow].some((a) => a.test(text))) complaints.push(text);
  });
  ctx.on("page", (page) =>
    page.on("websocket", (socket) => {
      if (!onLoopback(socket.url())) left.push(`a web socket to ${socket.url()}`);
      if (!connects.test(socket.url())) addresses.add(socket.url());
    }),
  );
  /** Addresses that hold a token, which land in logs and histories. */
  const leaks = async () => {
    await Promise.all(reading);
    return [...addresses].flatMap((address) => [...tokens].filter(([token]) => address.includes(token) || address.includes(encodeURIComponent(token))).map(([, source]) => `${source} in ${new URL(address).pathname}`));
  };
  atEnd(t, async () => {
    const leaked = await leaks();
    await ctx.close();
    assert.deepEqual(leaked, [], "tokens in addresses");
    assert.deepEqual(left, [], "requests that were leaving this machine");
    assert.equal(homeCalls.forbidden, homeCalls.tried, `of ${homeCalls.tried} calls home the policy must have stopped each`);
    assert.deepEqual(complaints, [], "errors in the console");
  });
  return Object.assign(ctx, { homeCalls, complaints, left, tokens, leaks });
}

async function noteTokens(answer, tokens) {
  for (const { name, value } of await answer.headersArray()) {
    if (name.toLowerCase() !== "set-cookie") continue;
    const [, cookie, secret] = value.match(/^([^=;]+)=([^;]*)/) ?? [];
    if (secret?.length >= 20) tokens.set(secret, `the cookie ${cookie}`);
  }
  if (!new URL(answer.url()).pathname.startsWith("/v1/im/token") || !answer.ok()) return;
  const { token } = await answer.json();
  tokens.set(token, "the connect token");
}

/** Somebody who is registered and logged in, without the detour of the form. Their page is open at nothing yet. */
export async function person(t, chrome, server, username, options = {}) {
  const ctx = await context(t, chrome, options);
  const answer = await ctx.request.post(server.api + "/register", {
    form: { username, password, nickname: options.nickname ?? "", attempt: `${username}-${Date.now()}` },
    maxRedirects: 0,
  });
  assert.equal(answer.status(), 303, `registering ${username}: ${await answer.text()}`);
  const page = await ctx.newPage();
  return { ctx, page, username, name: options.nickname || username };
}

/** Logs an admin of this name in at the console. */
export async function admin(t, chrome, server, name, options = {}) {
  await server.makeAdmin(name);
  const ctx = await context(t, chrome, options);
  const page = await ctx.newPage();
  await page.goto(server.api + "/admin/login");
  await page.fill("#name", name);
  await page.fill("#password", password);
  await Promise.all([page.waitForURL(server.api + "/admin"), page.click("main button.main")]);
  return { ctx, page, name };
}

/** Waits until `probe` answers with something true; says what it saw last when it does not. */
export async function until(what, probe, within = 10_000) {
  const end = Date.now() + within;
  let seen;
  for (;;) {
    seen = await probe();
    if (seen) return seen;
    if (Date.now() > end) assert.fail(`not within ${within} ms: ${what}; seen last: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
