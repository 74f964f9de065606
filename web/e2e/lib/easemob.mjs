// Easemob's own web SDK in Node, and the sandbox for it to talk to. A browser would
// prove no more about the socket, and takes ten times as long.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";
import xhr from "xmlhttprequest-ssl";
import { atEnd } from "./ending.mjs";

const binary = process.env.IMBRIDGE_BINARY ?? new URL("../../../bin/imbridge", import.meta.url).pathname;

/** Every address that the SDK has asked for. */
export const addresses = [];

class WatchedSocket extends WebSocket {
  constructor(address, ...rest) {
    addresses.push(String(address));
    super(address, ...rest);
  }
}

class WatchedRequest extends xhr.XMLHttpRequest {
  constructor() {
    super();
    const open = this.open;
    this.open = (method, address, ...rest) => {
      addresses.push(String(address));
      return open.call(this, method, address, ...rest);
    };
  }
}

// What the SDK believes to be a browser: without a window it takes itself for a
// mini-program.
Object.assign(globalThis, {
  self: globalThis,
  window: globalThis,
  location: new URL("http://127.0.0.1/"),
  WebSocket: WatchedSocket,
  XMLHttpRequest: WatchedRequest,
});
Object.defineProperty(globalThis, "navigator", { configurable: true, value: { userAgent: "Node", connection: { effectiveType: "4g" } } });

export const websdk = createRequire(import.meta.url)("easemob-websdk");
websdk.logger.disableAll();

/** Starts `imbridge sandbox` for the tests of `t`. */
export async function sandbox(t) {
  const dir = await mkdtemp(join(tmpdir(), "imbridge-sdk-"));
  const child = spawn(binary, ["sandbox"], {
    cwd: dir,
    env: {
      PATH: process.env.PATH,
      HOME: dir,
      IMBRIDGE_DATA_DIR: join(dir, "data"),
      IMBRIDGE_SANDBOX_LISTEN: "127.0.0.1:0",
      IMBRIDGE_SANDBOX_CONTROL_LISTEN: "127.0.0.1:0",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  atEnd(t, async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(dir, { recursive: true, force: true });
  });
  const where = await new Promise((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
      const found = Object.fromEntries([...text.matchAll(/^ {2}(sandbox|control) +(http:\/\/[^\s/]+)/gm)].map((m) => [m[1], m[2]]));
      if (found.sandbox && found.control) resolve(found);
    });
    ended.then(() => reject(new Error(`imbridge ended before it announced itself:\n${log}`)));
  });
  const cloud = new Cloud(where.sandbox, where.control);
  await cloud.login();
  return cloud;
}

class Cloud {
  #token;

  constructor(url, controlAt) {
    Object.assign(this, { url, controlAt });
  }

  /** Gets an app token, with a secret of the tests' own. */
  async login() {
    const { easemob } = await this.control("/control/state");
    this.appKey = easemob.app.app_key;
    const { client_secret: secret } = await this.control("/control/app", { easemob: { rotate_client_secret: true } });
    const body = { grant_type: "client_credentials", client_id: easemob.app.client_id, client_secret: secret };
    this.#token = (await this.rest("POST", "/token", body)).access_token;
  }

  /** Turns a knob, or reads what it shows where there is no body. */
  async control(path, body) {
    return answerOf(path, await fetch(this.controlAt + path, body && { method: "POST", body: JSON.stringify(body) }));
  }

  /** Calls the server API of the app. */
  async rest(method, path, body) {
    const headers = { "Content-Type": "application/json", ...(this.#token && { Authorization: `Bearer ${this.#token}` }) };
    const address = `${this.url}/${this.appKey.replace("#", "/")}${path}`;
    return answerOf(`${method} ${path}`, await fetch(address, { method, headers, body: body && JSON.stringify(body) }));
  }

  /** A token for a user, who is made if missing. The lifetime is in seconds, and 0 is forever. */
  async mint(username, ttl = 0) {
    return (await this.rest("POST", "/token", { grant_type: "inherit", username, autoCreateUser: true, ttl })).access_token;
  }

  /** An SDK that is not logged in, and what it says in `said`. */
  client() {
    const sdk = new websdk.connection({
      appKey: this.appKey,
      url: this.url.replace("http", "ws") + "/ws",
      apiUrl: this.url,
      isHttpDNS: false,
      https: false,
      isFixedDeviceId: false,
      autoReconnectNumMax: 0,
    });
    const said = [];
    const note = (name) => (event) => said.push({ name, ...(event && { type: event.type, from: event.from, to: event.to, msg: event.msg, id: event.id, chatType: event.chatType, status: event.status, data: event.data }) });
    sdk.addEventHandler("test", Object.fromEntries(events.map((name) => [name, note(name)])));
    return Object.assign(sdk, { said });
  }

  /** Somebody who is logged in. */
  async person(t, user, ttl = 0) {
    const sdk = this.client();
    atEnd(t, () => sdk.close());
    await sdk.open({ user, accessToken: await this.mint(user, ttl) });
    return sdk;
  }
}

const events = [
  "onConnected", "onDisconnected", "onError", "onTextMessage", "onReadMessage", "onOfflineMessageSyncFinish", "onTokenWillExpire", "onTokenExpired",
  "onContactInvited", "onContactAgreed", "onContactAdded", "onContactDeleted", "onContactRefuse",
];

async function answerOf(what, answer) {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${what}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** A text message. */
export function text(to, msg, chatType = "singleChat") {
  return websdk.message.create({ type: "txt", chatType, to, msg });
}

/** The type with which a call of the SDK is refused. */
export async function refusal(promise) {
  return promise.then(
    (done) => `none: ${JSON.stringify(done)}`,
    (err) => err.type,
  );
}
