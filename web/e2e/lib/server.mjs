// The real binary on throw-away data: SQLite, the sandbox, ports of its own choice.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./ending.mjs";

const binary = process.env.IMBRIDGE_BINARY ?? new URL("../../../bin/imbridge", import.meta.url).pathname;

/** The password of everybody in these tests. */
export const password = "correct horse battery";

/** Settings with which the sandbox stands in for Easemob. */
export const easemob = { IMBRIDGE_SANDBOX_CLOUD: "easemob" };

/** Starts imbridge; it ends, and its data goes, after the tests of `t`. */
export async function serve(t, settings = {}) {
  const dir = await mkdtemp(join(tmpdir(), "imbridge-e2e-"));
  const env = {
    PATH: process.env.PATH,
    HOME: dir,
    IMBRIDGE_DATA_DIR: join(dir, "data"),
    IMBRIDGE_SERVER_LISTEN: "127.0.0.1:0",
    IMBRIDGE_OPS_LISTEN: "127.0.0.1:0",
    IMBRIDGE_SANDBOX_LISTEN: "127.0.0.1:0",
    IMBRIDGE_SANDBOX_CONTROL_LISTEN: "127.0.0.1:0",
    IMBRIDGE_IM_EXTRA_LIFETIMES: "20s",
    ...settings,
  };
  const child = spawn(binary, ["serve"], { cwd: dir, env, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  atEnd(t, async () => {
    const forced = setTimeout(() => child.kill("SIGKILL"), 5_000);
    child.kill("SIGTERM");
    await ended;
    clearTimeout(forced);
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
  return new Server(where.api, where.control, dir, env, () => log);
}

class Server {
  #dir;
  #env;
  #bearer;

  constructor(api, control, dir, env, log) {
    Object.assign(this, { api, controlAt: control, log });
    this.#dir = dir;
    this.#env = env;
  }

  /** Turns a knob of the sandbox, or reads what it shows where there is no body. */
  async control(path, body) {
    const answer = await fetch(this.controlAt + path, body === undefined ? {} : { method: "POST", body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Makes an admin as an operator does, by the command. */
  async makeAdmin(name) {
    const child = spawn(binary, ["admin", "create", "--name", name, "--password-stdin"], { cwd: this.#dir, env: this.#env, stdio: ["pipe", "ignore", "pipe"] });
    let complaint = "";
    child.stderr.on("data", (chunk) => (complaint += chunk));
    child.stdin.end(password + "\n");
    const code = await new Promise((resolve) => child.once("exit", resolve));
    if (code !== 0) throw new Error(`admin create: ${code} ${complaint}`);
  }

  /** A request to the admins' API by an admin of the tests' own. */
  async admin(method, path, body) {
    if (this.#bearer === undefined) {
      await this.makeAdmin("rig");
      const login = await this.#json("POST", "/v1/admin/login", { name: "rig", password });
      this.#bearer = login.access_token;
    }
    return this.#json(method, "/v1/admin" + path, body, { Authorization: `Bearer ${this.#bearer}` });
  }

  /** The person of a username, as admins see them. */
  async user(username) {
    const { users } = await this.admin("GET", `/users?query=${username}`);
    const found = users.find((u) => u.username === username);
    if (found === undefined) throw new Error(`nobody is called ${username}: ${JSON.stringify(users)}`);
    return found;
  }

  async #json(method, path, body, headers = {}) {
    const answer = await fetch(this.api + path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}
