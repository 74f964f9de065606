import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { easemobPassword } from "../dist/index.js";

const vectors = JSON.parse(await readFile(new URL("../../../tokens/im/easemob/testdata/derived.json", import.meta.url), "utf8"));

test("a password is derived as the server derives it", async () => {
  assert.ok(vectors.length > 2, `vectors: ${vectors.length}`);
  for (const v of vectors) {
    assert.equal(await easemobPassword(v.password, v.im_user_id), v.derived, `of ${v.password} for ${v.im_user_id}`);
  }
});
