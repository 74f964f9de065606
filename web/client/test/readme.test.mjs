// The examples of the README, as they stand there: compiled, and run against the real binary. Only the
// address of imbridge is another one.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import test from "node:test";
import { promisify } from "node:util";
import ts from "typescript";
import { connectEasemob } from "../dist/index.js";
import { bridgeTo, password, start } from "./rig.mjs";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map((m) => m[1]);
const about = (name) => {
  const found = examples.filter((text) => new RegExp(`${name}[(<]`).test(text));
  assert.equal(found.length, 1, `examples about ${name}`);
  return found[0];
};

/** A folder inside the package, so that its name means the package there. */
async function folder(t) {
  const dir = await mkdtemp(new URL("../dist/readme-", import.meta.url).pathname);
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Runs an example; `saw(line)` waits for what it writes, `hide()` hides its page. */
async function run(t, server, example) {
  const placed = example.replaceAll("https://im.example.com", server.api);
  assert.notEqual(placed, example, "the example says where imbridge is");
  const { outputText } = ts.transpileModule(placed, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true } });
  const file = `${await folder(t)}/example.mjs`;
  await writeFile(file, outputText);
  const child = spawn(process.execPath, ["--experimental-websocket", new URL("run_example.mjs", import.meta.url).pathname, file], { stdio: "pipe" });
  let text = "";
  const waiting = new Set();
  const ended = new Promise((resolve) => child.once("exit", resolve)).then(() => (waiting.forEach((w) => w("\n")), undefined));
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (chunk) => ((text += chunk), waiting.forEach((w) => w())));
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    hide: () => child.stdin.write("hide\n"),
    saw: (line) =>
      new Promise((resolve, reject) => {
        const look = (over) => {
          if (text.split("\n").includes(line)) resolve();
          else if (over || text.split("\n").length > 500) reject(new Error(`want the line ${JSON.stringify(line)} of:\n${text}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        const limit = setTimeout(look, 60_000, true);
        limit.unref();
        look();
      }),
  };
}

test("every example compiles", async (t) => {
  assert.equal(examples.length, 3);
  const dir = await folder(t);
  await Promise.all(examples.map((text, i) => writeFile(`${dir}/example${i}.ts`, text)));
  await writeFile(`${dir}/tsconfig.json`, JSON.stringify({ extends: "../../test/tsconfig.json", compilerOptions: { rootDir: "../.." }, include: ["*.ts"], exclude: [] }));
  const tsc = new URL("../node_modules/typescript/bin/tsc", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", dir]).catch((err) => err);
  assert.equal(stdout, "");
});

test("the first example is short", () => {
  const lines = examples[0].trimEnd().split("\n").length;
  assert.ok(lines <= 15, `${lines} lines, want at most 15`);
});

test("the example for RongCloud logs in, connects, hears and ends", async (t) => {
  const secret = "of-the-examples";
  const server = await start(t, { IMBRIDGE_IM_RONGCLOUD_APP_SECRET: secret });
  const stranger = await run(t, server, about("connectRongCloud"));
  await stranger.saw("wrong login or password");

  const bridge = bridgeTo(server);
  const { id } = await bridge.register({ username: "ann", password });
  const page = await run(t, server, about("connectRongCloud"));
  await page.saw("connected undefined undefined");
  const { app_key: key, endpoints } = await bridge.connectToken();
  const [nonce, stamp] = ["1", String(Date.now())];
  const answer = await fetch(endpoints.navigators[0] + "/message/private/publish.json", {
    method: "POST",
    headers: { "App-Key": key, Nonce: nonce, Timestamp: stamp, Signature: createHash("sha1").update(secret + nonce + stamp).digest("hex") },
    body: new URLSearchParams({ fromUserId: "ben", toUserId: id, objectName: "RC:TxtMsg", content: JSON.stringify({ content: "你好" }) }),
  });
  assert.equal(answer.status, 200, await answer.text());
  await page.saw("ben { content: '你好' }");
  page.hide();
  await page.saw("stopped undefined undefined");
});

test("the example for Easemob logs in, connects, hears, answers and ends", async (t) => {
  await import("./as_browser.mjs");
  const WebIM = createRequire(import.meta.url)("easemob-websdk");
  const server = await start(t, { IMBRIDGE_SANDBOX_CLOUD: "easemob" });
  const { id } = await bridgeTo(server).register({ username: "ann", password });
  const ben = bridgeTo(server);
  const { id: benID } = await ben.register({ username: "ben", password });
  const page = await run(t, server, about("connectEasemob"));
  await page.saw("connected undefined undefined");

  let answer;
  const heard = new Promise((resolve) => (answer = resolve));
  let up;
  const connected = new Promise((resolve) => (up = resolve));
  const connection = connectEasemob(WebIM, ben, { onMessage: ({ from, msg }) => answer([from, msg]), onState: (state) => state === "connected" && up() });
  t.after(() => connection.stop());
  await connected;
  await connection.sdk.send(WebIM.message.create({ type: "txt", chatType: "singleChat", to: id, msg: "你好" }));
  await page.saw(`${benID} 你好`);
  assert.deepEqual(await heard, [id, "你说：你好"]);
  page.hide();
  await page.saw("stopped undefined undefined");
});

test("the example with a derived password logs in at the cloud by name", async (t) => {
  const server = await start(t, { IMBRIDGE_SANDBOX_CLOUD: "easemob", IMBRIDGE_IM_EASEMOB_PASSWORD: "derived" });
  const { id } = await bridgeTo(server).register({ username: "ann", password });
  const page = await run(t, server, about("easemobPassword"));
  await page.saw(`logged in as ${id}`);
  page.hide();
});
