// The page in a real browser, over the figures that serve.py plays back. Screenshots are left in `seen`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

let server;
let address;
let browser;

before(async () => {
  mkdirSync("seen", { recursive: true });
  server = spawn("python3", [process.env.AICACHE_PAGE_SERVER ?? "serve.py"], { stdio: ["ignore", "pipe", "inherit"] });
  address = await new Promise((resolve, reject) => {
    createInterface({ input: server.stdout }).once("line", (line) => resolve(line.replace(/^ready http=(.*)$/, "http://$1/")));
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  // Without a sandbox of its own: the tests may run as root in a container, and the page is ours.
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  server?.kill();
});

/** A page that failed in nothing: what it complains of is an error of the test. */
async function opened(options = {}, prepare = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("console", (m) => {
    // A refused request is the test's own doing; that the page may not do something is not.
    if (m.type() === "error" && !/Failed to load resource/.test(m.text())) complaints.push(m.text());
  });
  await prepare(page);
  await page.goto(address);
  return { page, complaints, close: () => context.close() };
}

const live = (page) => page.locator("#connection", { hasText: "live" }).waitFor();
const text = (page, selector) => page.locator(selector).innerText();
const rowOf = (page, table, name) => page.locator(`#${table} tbody tr`).filter({ has: page.locator("th", { hasText: name }) }).first();

test("shows what the node says, and complains of nothing under the node's own content policy", async () => {
  const { page, complaints, close } = await opened();
  await live(page);
  assert.match(await text(page, "#cards"), /Hit ratio\s+83\.6 %/);
  assert.match(await rowOf(page, "memory-table", "hot").innerText(), /116 MiB\s+45\.3 %\s+81,220/);
  assert.match(await rowOf(page, "operations-table", "qa").innerText(), /76\.7 %.*68\.9 %.*599,050/s);
  assert.match(await rowOf(page, "latency-table", "last 60 min").innerText(), /1\.41 µs\s+8\.70 µs\s+24\.6 µs/);
  assert.match(await rowOf(page, "ledger-table", "all").innerText(), /\$3,096/);
  assert.match(await text(page, "#advice-list"), /memory\.budget = 512MiB/);
  assert.match(await rowOf(page, "curve-table", "512 MiB").innerText(), /85\.1 %\s+\+6\.2 ± 0\.8/);
  assert.match(await text(page, "#events-table"), /level\s+the level of service is memory_only after normal[\s\S]*start/);
  assert.match(await text(page, "#redis-state"), /Normal.*breaker is closed/);
  assert.equal(await page.locator("#curve-plot canvas").count(), 1);
  assert.deepEqual(complaints, []);
  await close();
});

test("draws the ratio by tier once two polls have been seen", async () => {
  const { page, complaints, close } = await opened();
  await live(page);
  await page.waitForFunction(() => /\d %/.test(document.querySelector("#ratio-table tbody").rows[0].cells[1].innerText), null, { timeout: 8000 });
  assert.match(await text(page, "#ratio-table"), /all hits/);
  const painted = await page.evaluate(() => {
    const canvas = document.querySelector("#ratio-plot canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((v) => v !== 0);
  });
  assert.ok(painted, "the plot is empty");
  assert.deepEqual(complaints, []);
  await close();
});

test("shows a dash for what is not known, and never a zero", async () => {
  const { page, complaints, close } = await opened({}, (p) => p.route("**/api/v1/summary", async (route) => {
    const summary = await (await route.fetch()).json();
    for (const absent of ["memory", "compression", "key_generation", "nanoseconds", "recent_nanoseconds"]) delete summary[absent];
    for (const gets of [summary.total, summary.recent]) delete gets.hit_percent;
    await route.fulfill({ json: summary });
  }));
  await live(page);
  assert.match(await text(page, "#cards"), /Hit ratio\s+–/);
  assert.match(await rowOf(page, "memory-table", "budget").innerText(), /budget\s+–/);
  assert.match(await rowOf(page, "memory-table", "hot").innerText(), /hot\s+–\s+–\s+–/);
  assert.match(await rowOf(page, "latency-table", "in all").innerText(), /–\s+–\s+–\s+–\s+–/);
  assert.match(await rowOf(page, "operations-table", "key_points").innerText(), /key_points\s+–\s+–\s+0\s/);
  assert.match(await text(page, "#upkeep-facts"), /Compressed answers\s+–/);
  assert.deepEqual(complaints, []);
  await close();
});

test("goes on without the views that a node does not have", async () => {
  const { page, complaints, close } = await opened({}, async (p) => {
    for (const view of ["statistics", "ledger", "recommendations", "curve", "events"])
      await p.route(`**/api/v1/${view}`, (r) => r.fulfill({ status: 501, contentType: "application/problem+json", body: '{"detail":"not in this build"}' }));
  });
  await live(page);
  for (const part of ["#advice-list", "#curve-table", "#ledger-table", "#events-table"]) assert.match(await text(page, part), /not known: not in this build/);
  assert.match(await text(page, "#redis-state"), /not known/);
  assert.equal(await page.locator("#curve-plot canvas").count(), 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("says that the node is away, asks less and less often, and is live again when it is back", async () => {
  const { page, complaints, close } = await opened();
  await live(page);
  let asked = [];
  await page.route("**/api/v1/**", (r) => {
    asked.push(Date.now());
    return r.abort();
  });
  await page.locator("#connection", { hasText: "the node is away since" }).waitFor();
  await page.locator("#as-of", { hasText: "trying again in 8 s" }).waitFor({ timeout: 15000 });
  assert.equal(asked.length, 2);
  assert.ok(asked[1] - asked[0] > 3500, `asked again after ${asked[1] - asked[0]} ms`);
  await page.screenshot({ path: "seen/away.png" });
  await page.unroute("**/api/v1/**");
  await page.locator("#connection", { hasText: "live" }).waitFor({ timeout: 15000 });
  assert.equal(await page.locator("body.stale").count(), 0);
  assert.deepEqual(complaints, []);
  await close();
});

test("shows the nodes of a cluster and their shares, and nothing of it for a node on its own", async () => {
  const { page, complaints, close } = await opened();
  await page.locator("#cluster-table tbody tr").nth(2).waitFor();
  assert.match(await text(page, "#cluster-state"), /^node-a serves 1,376 of 4,096 key ranges, epoch 17\.$/);
  assert.match(await text(page, "#cluster-table"), /node-b\s+10\.0\.0\.3:7411\s+1,349\s+heard 120 ms ago/);
  assert.match(await text(page, "#cluster-table"), /node-c\s+10\.0\.0\.4:7411\s+1,371\s+not connected/);
  assert.match(await text(page, "#cluster-pins"), /0 to 63 to node-b/);
  assert.deepEqual(complaints, []);
  await close();
  const alone = { name: "", epoch: 0, ranges: 4096, serving: 0, gained: 0, lost: 0, cut_off: false, leaving: false, refusal: "", members: [], pins: [] };
  const other = await opened({}, (p) => p.route("**/api/v1/cluster", (r) => r.fulfill({ json: alone })));
  await live(other.page);
  assert.equal(await other.page.locator("#cluster").isVisible(), false);
  await other.close();
});

test("says what Redis and the level are when the breaker is open", async () => {
  const { page, close } = await opened({}, (p) => p.route("**/api/v1/statistics", async (route) => {
    const statistics = await (await route.fetch()).json();
    await route.fulfill({ json: { ...statistics, level: 1 } });
  }));
  await page.locator("#connection", { hasText: "level memory only" }).waitFor();
  assert.match(await text(page, "#redis-state"), /Redis cannot be used/);
  await close();
});

test("filters operations by name and sorts them by any column, by mouse and by keyboard", async () => {
  const { page, close } = await opened();
  await live(page);
  const names = () => page.locator("#operations-table tbody th").allInnerTexts();
  assert.deepEqual(await names(), ["sentiment", "qa", "summarize", "translate <b>fr</b>", "questions", "key_points"]);
  await page.getByRole("button", { name: "Operation" }).click();
  assert.deepEqual(await names(), ["key_points", "qa", "questions", "sentiment", "summarize", "translate <b>fr</b>"]);
  await page.getByRole("button", { name: "p99", exact: true }).focus();
  await page.keyboard.press("Enter");
  assert.equal((await names())[0], "summarize");
  assert.equal((await names()).at(-1), "key_points");  // not known comes last
  await page.keyboard.press("Enter");
  assert.equal((await names()).at(-1), "key_points");
  assert.equal(await page.locator('#operations-table th[aria-sort="ascending"]').innerText().then((t) => t.trim().slice(0, 3)), "p99");
  await page.getByLabel("Filter by name").fill("QUE");
  assert.deepEqual(await names(), ["questions"]);
  assert.equal(await text(page, "#operations-count"), "1 of 6");
  await page.getByLabel("Filter by name").fill("nowhere");
  assert.match(await text(page, "#operations-table tbody"), /no name holds that/);
  await close();
});

test("takes names for text, whatever is in them", async () => {
  const { page, complaints, close } = await opened();
  await live(page);
  assert.equal(await page.locator("#operations-table b").count(), 0);
  assert.equal(await page.locator("#operations-table th", { hasText: "translate <b>fr</b>" }).count(), 1);
  assert.deepEqual(complaints, []);
  await close();
});

test("invalidates with the token, and says what the node answered", async () => {
  const { page, complaints, close } = await opened();
  await live(page);
  const asked = [];
  page.on("request", (r) => r.method() === "POST" && asked.push([new URL(r.url()).pathname, r.headers().authorization, r.postDataJSON()]));
  await page.getByLabel("Token").fill("wrong");
  await page.getByLabel("Tenant", { exact: true }).fill("acme");
  await page.getByLabel("Name", { exact: true }).fill("doc-17");
  await page.getByRole("button", { name: "Invalidate" }).click();
  await page.locator("#act-result", { hasText: "The token is wrong." }).waitFor();
  await page.getByLabel("Token").fill("open");
  await page.getByRole("button", { name: "Invalidate" }).click();
  await page.locator("#act-result", { hasText: "Done: 1,234 answers left memory." }).waitFor();
  assert.deepEqual(asked[1], ["/api/v1/invalidate", "Bearer open", { scope: "tag", tenant: "acme", name: "doc-17", wait: false }]);
  await page.getByRole("button", { name: "Read the settings again" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await page.locator("#act-result", { hasText: "Not done: this node was started without a file of settings." }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("asks again before everything is forgotten, and No does nothing", async () => {
  const { page, close } = await opened();
  await live(page);
  const asked = [];
  page.on("request", (r) => r.method() === "POST" && asked.push([new URL(r.url()).pathname, r.postDataJSON()]));
  await page.getByLabel("Token").fill("open");
  await page.locator("#act-scope").selectOption("everything");
  assert.equal(await page.getByLabel("Tenant", { exact: true }).isVisible(), false);
  await page.getByRole("button", { name: "Invalidate" }).click();
  assert.equal(await page.evaluate(() => document.activeElement.value), "no");  // Enter alone does no harm
  await page.keyboard.press("Enter");
  await page.locator("#act-sure").waitFor({ state: "hidden" });
  assert.deepEqual(asked, []);
  await page.getByRole("button", { name: "Invalidate" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await page.locator("#act-result", { hasText: "Done" }).waitFor();
  assert.deepEqual(asked, [["/api/v1/clear", {}]]);
  await close();
});

test("follows the system's theme until another is chosen, and remembers that", async () => {
  const { page, close } = await opened({ colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await live(page);
  assert.equal(await ground(), "rgb(18, 22, 27)");
  await page.getByRole("button", { name: "Theme" }).click();
  assert.equal(await ground(), "rgb(245, 246, 248)");
  await page.reload();
  assert.equal(await ground(), "rgb(245, 246, 248)");
  await close();
});

test("every table has a caption, every field a label, and every plot a table beside it", async () => {
  const { page, close } = await opened();
  await live(page);
  const lacking = await page.evaluate(() => [
    ...[...document.querySelectorAll("table:not(.u-legend)")].filter((t) => !t.caption?.textContent).map((t) => t.id),
    ...[...document.querySelectorAll("input, select")].filter((i) => i.labels.length === 0).map((i) => i.id),
    ...[...document.querySelectorAll(".plot")].filter((p) => p.getAttribute("aria-hidden") !== "true" || !p.closest("section").querySelector("table")).map((p) => p.id),
    ...[...document.querySelectorAll("th")].filter((h) => !h.scope && !h.closest(".uplot")).map((h) => h.textContent),
  ]);
  assert.deepEqual(lacking, []);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the figures");
  await close();
});

for (const [name, options] of Object.entries({
  desktop: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
})) {
  test(`is as wide as the window and no wider: ${name}`, async () => {
    const { page, complaints, close } = await opened(options);
    await live(page);
    await page.waitForFunction(() => /\d %/.test(document.querySelector("#ratio-table tbody").rows[0].cells[1].innerText), null, { timeout: 8000 });
    // Some more points, so that there is a line to look at.
    await page.waitForTimeout(6000);
    await page.screenshot({ path: `seen/${name}.png`, fullPage: true });
    const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= window, `${wide} pixels in a window of ${window}`);
    assert.deepEqual(complaints, []);
    await close();
  });
}
