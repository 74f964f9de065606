import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { problemCodes } from "../dist/index.js";
import { made } from "../scripts/types.mjs";

test("what is generated is up to date with the contract and the list of problems", async () => {
  for (const [name, text] of Object.entries(await made())) {
    const kept = await readFile(new URL(`../src/${name}`, import.meta.url), "utf8");
    assert.ok(kept === text, `src/${name} is not what its source gives: npm run types`);
  }
});

test("the codes are the server's", () => {
  for (const code of ["refresh_replayed", "im_unavailable", "refused_too_often"]) assert.ok(problemCodes.includes(code), code);
});
