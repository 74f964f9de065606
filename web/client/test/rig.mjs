// What the tests share: the real binary on loopback ports of its own choice, with a clock
// that moves for it and for the bridges, and bridges whose requests are written down.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBridge } from "../dist/index.js";

export const password = "correct horse battery";

/** Starts imbridge with a sandbox; it ends, and its data goes, with the test. */
export async function start(t, env = {}) {
  const dir = await mkdtemp(join(tmpdir(), "imbridge-client-"));
  const clock = join(dir, "clock");
  const child = spawn(new URL("../../../.cache/client-test/imbridge", import.meta.url).pathname, ["serve"], {
    cwd: dir,
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      PROOF_CLOCK: clock,
      IMBRIDGE_DATA_DIR: join(dir, "data"),
      IMBRIDGE_SERVER_LISTEN: "127.0.0.1:0",
      IMBRIDGE_OPS_LISTEN: "127.0.0.1:0",
      IMBRIDGE_SANDBOX_LISTEN: "127.0.0.1:0",
      IMBRIDGE_SANDBOX_CONTROL_LISTEN: "127.0.0.1:0",
      IMBRIDGE_SERVER_REGISTER_BUDGET: "20s", // a busy machine is not what is tested
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(dir, { recursive: true, force: true });
  });
  const where = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      const found = Object.fromEntries([...text.matchAll(/^ {2}(api|control) +(http:\/\/[^\s/]+)/gm)].map((m) => [m[1], m[2]]));
      if (found.api && found.control) resolve(found);
    });
    ended.then(() => reject(new Error(`imbridge ended before it announced itself:\n${log}`)));
  });
  let ahead = 0;
  return {
    api: where.api,
    now: () => Date.now() + ahead,
    /** Moves the server's clock and the bridges'; the server looks at its own every 20 ms. */
    async advance(ms) {
      ahead += ms;
      await writeFile(clock, `${ahead}ms`);
      for (let real = Date.now(); Date.now() < real + 50; ) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    /** How often the cloud was asked for a token. */
    async mints() {
      return (await (await fetch(where.control + "/control/calls")).json())["/user/getToken.json"] ?? 0;
    },
    /** Turns a knob of the sandbox. */
    async control(path, body) {
      const answer = await fetch(where.control + path, { method: "POST", body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    },
  };
}

/** A bridge to a server, with `calls`, its requests as "POST /v1/login", and `lose(path)`, after which the next answer to the path is lost. */
export function bridgeTo(server, options = {}) {
  const calls = [];
  const lost = [];
  const base = options.fetch ?? fetch;
  const recorded = async (url, init) => {
    const path = new URL(url).pathname;
    const call = `${init.method} ${path}`;
    calls.push(call);
    let answer;
    try {
      answer = await base(url, init);
    } catch (err) {
      // Given up for slowness, which is the machine's here, and sent again.
      if (init.signal?.aborted) calls.splice(calls.lastIndexOf(call), 1);
      throw err;
    }
    if (lost[0] === path) {
      lost.shift();
      await answer.text();
      throw new TypeError("the connection broke");
    }
    return answer;
  };
  const bridge = createBridge({ baseURL: server.api, now: server.now, random: () => 0.5, ...options, fetch: recorded });
  return Object.assign(bridge, { calls, lose: (path) => lost.push(path), count: (call) => calls.filter((c) => c === call).length });
}

/** A storage that tabs share, and locks of the kind that browsers have. */
export function browser() {
  const items = new Map();
  const tails = new Map();
  return {
    items,
    storage: {
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => void items.set(key, value),
      removeItem: (key) => void items.delete(key),
    },
    locks: {
      request(name, work) {
        const run = (tails.get(name) ?? Promise.resolve()).then(work);
        tails.set(name, run.catch(() => {}));
        return run;
      },
    },
  };
}

/** The Problem that a promise is rejected with. */
export async function problem(promise) {
  const got = await promise.then(
    (value) => new Error(`resolved with ${JSON.stringify(value)}, want a Problem`),
    (err) => err,
  );
  if (got.name !== "Problem") throw got;
  return got;
}
