const rounds = 600_000;
const bits = 256;
const salt = "imbridge/easemob/v1/";

/**
 * The password at Easemob of somebody whose password at imbridge is known, where
 * imbridge runs with `im.easemob.password: derived`. `imUserID` is `im.im_user_id`
 * of the answer to a login. The server derives the same, so that a client can log in
 * to the cloud with name and password: `connection.open({ user: imUserID, pwd: … })`.
 *
 * It takes some tenths of a second, and WebCrypto: a page has that over https and on
 * localhost only.
 */
export async function easemobPassword(password: string, imUserID: string): Promise<string> {
  const text = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", text.encode(password), "PBKDF2", false, ["deriveBits"]);
  const derived = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt: text.encode(salt + imUserID), iterations: rounds }, key, bits);
  const binary = String.fromCharCode(...new Uint8Array(derived));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
