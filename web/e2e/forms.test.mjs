import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, context, person } from "./lib/browser.mjs";
import { password, serve } from "./lib/server.mjs";

/** What the browser writes when a form comes back with complaints. */
const comesBack = /status of (400|401|409|422|429)/;

/** The complaint below a field, and whether the field itself points at it. */
async function complaint(page, field) {
  const input = page.locator(`#${field}`);
  assert.equal(await input.getAttribute("aria-invalid"), "true", `${field} is marked`);
  const id = await input.getAttribute("aria-describedby");
  return page.textContent(`#${id}`);
}

test("forms, in both languages", async (t) => {
  const server = await serve(t);
  const chrome = await browser(t);
  await person(t, chrome, server, "taken");

  const wrongs = [
    ["username", "ab", { en: "Use 3 to 32 characters.", zh: "请使用 3 到 32 个字符。" }],
    ["username", "a b c", { en: "Letters, digits and marks like . _ - only, no spaces.", zh: "只能使用字母、数字和 . _ - 等符号，不能有空格。" }],
    ["username", "taken", { en: "Somebody else has this already.", zh: "已被他人使用。" }],
    ["password", "password", { en: "Too many people use this password. Choose another.", zh: "使用此密码的人太多，请换一个。" }],
    ["password", "short", { en: "Use 8 to 128 characters.", zh: "请使用 8 到 128 个字符。" }],
    ["email", "nonsense@", { en: "Give an address like ann@example.com.", zh: "请填写类似 ann@example.com 的地址。" }],
    ["phone", "12345", { en: "Give the number with its country, like +8613800138000.", zh: "请填写带国家代码的号码，例如 +8613800138000。" }],
  ];
  for (const lang of ["en", "zh"]) {
    await t.test(`what is wrong with a registration stands beside its field: ${lang}`, async (t) => {
      const ctx = await context(t, chrome, { lang, allow: [comesBack] });
      const page = await ctx.newPage();
      await page.goto(server.api + "/register");
      assert.equal(await page.getAttribute("html", "lang"), { en: "en", zh: "zh-CN" }[lang]);
      for (const [field, value, want] of wrongs) {
        await page.evaluate(() => {
          document.querySelector("main form").noValidate = true;
          document.querySelector("main details").open = true;
        });
        for (const optional of ["email", "phone"]) await page.fill(`#${optional}`, "");
        await page.fill("#username", "somebody");
        await page.fill("#password", password);
        await page.fill(`#${field}`, value);
        await Promise.all([page.waitForResponse((r) => r.request().method() === "POST"), page.click("main button.main")]);
        await page.waitForLoadState();
        assert.equal(await complaint(page, field), want[lang], `${field}: ${value}`);
        if (field !== "password") assert.equal(await page.inputValue(`#${field}`), value, "what was typed is still there");
        assert.equal(await page.inputValue("#password"), "", "a password never comes back");
      }
      await page.goto(server.api + "/login");
      await page.fill("#login", "taken");
      await page.fill("#password", "not the password");
      await page.click("main button.main");
      await page.getByRole("alert").getByText({ en: "The name or the password is wrong.", zh: "用户名或密码错误。" }[lang]).waitFor();
      assert.equal(await page.inputValue("#login"), "taken");
    });
  }

  await t.test("what is wrong with a profile or a new password stands beside its field", async (t) => {
    const ann = await person(t, chrome, server, "annie", { allow: [comesBack] });
    const { page } = ann;
    await page.goto(server.api + "/account");
    const send = (form) => page.locator(`form[action="${form}"]`).evaluate((f) => ((f.noValidate = true), f.requestSubmit()));
    await page.fill("#avatar_url", "ftp://example.com/x");
    await Promise.all([page.waitForResponse((r) => r.request().method() === "POST"), send("/account/profile")]);
    assert.equal(await complaint(page, "avatar_url"), "Give an address that begins with https://.");
    // The address that the form left behind, opened once more.
    assert.equal(new URL(page.url()).pathname, "/account/profile");
    await page.goto(page.url());
    assert.equal(page.url(), server.api + "/account");
    await page.fill("#avatar_url", "https://example.com/x.png");
    await page.fill("#nickname", "安妮 🌸");
    await page.locator("#profile button.main").click();
    await page.getByText("Your profile is saved.").waitFor();
    assert.equal(await page.textContent(".lead strong"), "安妮 🌸");
    await page.fill("#current_password", "not my password");
    await page.fill("#new_password", "another good password");
    await page.locator("#password-card button.main").click();
    await page.locator("#current_password[aria-invalid=true]").waitFor();
    assert.equal(await complaint(page, "current_password"), "This is not your password.");
    await page.fill("#current_password", password);
    await page.fill("#new_password", "another good password");
    await page.locator("#password-card button.main").click();
    await page.getByText("Your password is changed; all other sessions have been ended.").waitFor();
  });

  await t.test("language and colours stay as chosen", async (t) => {
    const ctx = await context(t, chrome, { lang: "en" });
    const page = await ctx.newPage();
    await page.goto(server.api + "/login");
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await ground();
    await page.getByRole("button", { name: "中文" }).click();
    await page.getByRole("heading", { name: "登录" }).waitFor();
    await page.getByRole("button", { name: "浅色" }).click();
    await page.getByRole("button", { name: "深色" }).click();
    await page.locator("html[data-theme=dark]").waitFor();
    await page.goto(server.api + "/register");
    await page.getByRole("heading", { name: "注册" }).waitFor();
    assert.notEqual(await ground(), light, "the dark ground");
  });
});
