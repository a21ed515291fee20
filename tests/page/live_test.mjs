// The page in a real browser, over a real node with Redis behind it and the load program before it. AICACHE_BUILD says where
// the programs are. Screenshots are left in `seen`.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const build = process.env.AICACHE_BUILD;
const token = "a token of this test, and of no other";
const folder = mkdtempSync(`${tmpdir()}/aicache-page-`);
const env = { PATH: process.env.PATH };  // a node takes every AICACHE_... for a setting
const started = [];
let address;
let node;
let loading = true;
let browser;

/** Starts a program and gives the match of the first line that fits. */
function start(words, pattern) {
  const child = spawn(words[0], words.slice(1), { stdio: ["ignore", "pipe", "inherit"], cwd: folder, env });
  started.push(child);
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => pattern.test(line) && resolve(line.match(pattern)));
    child.on("exit", (code) => reject(new Error(`${words[0]} ended with ${code}`)));
  });
}

const freePort = () => new Promise((resolve) => {
  const door = createServer().listen(0, "127.0.0.1", () => {
    const { port } = door.address();
    door.close(() => resolve(port));
  });
});

/** One load after the other until it is told to end; each has another seed, so misses go on. */
async function load() {
  for (let seed = 1; loading; ++seed) {
    await new Promise((resolve, reject) => {
      const child = spawn(`${build}/aicache-load`, ["--node", node, "--requests", "30000", "--concurrency", "4", "--seed", String(seed)],
        { stdio: "ignore", env });
      started.push(child);
      child.on("exit", (code) => (code === 0 || !loading ? resolve() : reject(new Error(`the load ended with ${code}`))));
    });
  }
}

let loaded;

before(async () => {
  mkdirSync("seen", { recursive: true });
  const redis = await freePort();
  await start(["redis-server", "--port", String(redis), "--bind", "127.0.0.1", "--save", ""], /Ready to accept connections/);
  const settings = ["node.port=0", "http.port=0", `redis.url=redis://127.0.0.1:${redis}`, `http.token=${token}`, "memory.budget=6MiB",
    "ledger.prices=*=3/15", "http.requests_per_second=1000"];
  const ready = await start([`${build}/aicached`, ...settings.flatMap((s) => ["--set", s])], /^ready caf=(\S+) http=(\S+)/);
  node = ready[1];
  address = `http://${ready[2]}/`;
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  loaded = load();
  // Enough has happened for every part of the page once answers came from memory and from Redis, and there is advice.
  for (let i = 0; i < 100; ++i) {
    const [s, advice] = await Promise.all([read("statistics"), read("recommendations")]);
    if (s.total?.hits_hot > 0 && s.total.hits_shared > 0 && advice.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  throw new Error("the load does not get going");
});

after(async () => {
  await browser?.close();
  loading = false;
  for (const child of started) child.kill();
  await loaded?.catch(() => {});
  rmSync(folder, { recursive: true, force: true });
});

async function opened(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("console", (m) => m.type() === "error" && !/Failed to load resource/.test(m.text()) && complaints.push(m.text()));
  page.on("request", (r) => r.url().startsWith(address) || complaints.push(`asked elsewhere: ${r.url()}`));
  await page.goto(address);
  await page.locator("#connection", { hasText: "live" }).waitFor();
  return { page, complaints, close: () => context.close() };
}

const read = (view) => fetch(`${address}api/v1/${view}`).then((r) => r.json());
const post = (path, more) => fetch(`${address}api/v1/${path}`, { method: "POST", ...more });
const number = (text) => Number(text.replace(/[^0-9.-]/g, ""));
const cell = (page, table, name, column) =>
  page.locator(`#${table} tbody tr`).filter({ has: page.locator("th", { hasText: name }) }).first().locator("th, td").nth(column).innerText();

test("figures on the page are those of the API at that time", async () => {
  const { page, complaints, close } = await opened();
  // What grows lies between what the API said before and what it says after.
  for (const [table, name, column, figure] of [
    ["ratio-table", "hot", 3, (s) => s.figures.hits_hot],
    ["ratio-table", "warm", 3, (s) => s.figures.hits_warm],
    ["ratio-table", "shared", 3, (s) => s.figures.hits_shared],
    ["ratio-table", "all hits", 3, (s) => s.total.hits],
    ["ratio-table", "misses", 3, (s) => s.total.misses],
    ["operations-table", "qa", 3, (s) => s.operations.qa.total.answered],
    ["operations-table", "qa", 4, (s) => s.operations.qa.total.hits],
  ]) {
    const least = figure(await read("summary"));
    await page.waitForFunction((t) => document.querySelector("#as-of").textContent !== t, await page.locator("#as-of").innerText());
    await page.waitForFunction((t) => document.querySelector("#as-of").textContent !== t, await page.locator("#as-of").innerText());
    const shown = number(await cell(page, table, name, column));
    const most = figure(await read("summary"));
    assert.ok(least <= shown && shown <= most, `${table} ${name}: ${least} <= ${shown} <= ${most}`);
  }
  assert.match(await cell(page, "memory-table", "budget", 1), /6(\.00)? MiB/);
  assert.match(await page.locator("#redis-state").innerText(), /Redis is in use/);
  assert.deepEqual(complaints, []);
  await close();
});

test("operations can be filtered, advice read, and the theme changed, under load", async () => {
  const { page, complaints, close } = await opened();
  const all = await page.locator("#operations-table tbody tr").count();
  assert.ok(all > 1);
  await page.getByLabel("Filter by name").fill("qa");
  await page.waitForFunction(() => document.querySelectorAll("#operations-table tbody tr").length === 1);
  const advice = await read("recommendations");
  assert.ok(advice.length > 0, "the load gives nothing to advise");
  await page.locator("#advice-list", { hasText: advice[0].title }).waitFor({ timeout: 45000 });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await ground();
  for (let i = 0; i < 2 && (await ground()) === before; ++i) await page.getByRole("button", { name: "Theme" }).click();
  assert.notEqual(await ground(), before);
  await page.locator("#events-table", { hasText: "start" }).waitFor();
  assert.deepEqual(complaints, []);
  await close();
});

test("invalidates with the node's token, and without it nobody does", async () => {
  const { page, complaints, close } = await opened();
  assert.equal((await post("invalidate", { body: '{"scope":"operation","name":"qa"}' })).status, 401);
  const before = (await read("statistics")).invalidations.requested;
  await page.getByLabel("Token").fill("not the token of this node");
  await page.locator("#act-scope").selectOption("operation");
  await page.getByLabel("Name", { exact: true }).fill("qa");
  await page.getByRole("button", { name: "Invalidate" }).click();
  await page.locator("#act-result", { hasText: "The token is wrong." }).waitFor();
  assert.equal((await read("statistics")).invalidations.requested, before);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Invalidate" }).click();
  await page.locator("#act-result", { hasText: /Done: [\d,]+ answers? left memory/ }).waitFor();
  for (let i = 0; i < 50 && (await read("statistics")).invalidations.requested === before; ++i)
    await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal((await read("statistics")).invalidations.requested, before + 1);
  assert.deepEqual(complaints, []);
  await close();
});

test("a page of another site that leads its own name here gets nothing", async () => {
  const { hostname, port } = new URL(address);
  const context = await browser.newContext();
  const rebound = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", `--host-resolver-rules=MAP evil.example ${hostname}`],
  });
  const page = await rebound.newPage();
  const answer = await page.goto(`http://evil.example:${port}/api/v1/config`);
  assert.equal(answer.status(), 421);
  await rebound.close();
  await context.close();
});

for (const [name, options] of Object.entries({
  desktop: {},
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
})) {
  test(`is readable under load: ${name}`, async () => {
    const { page, complaints, close } = await opened(options);
    await page.waitForTimeout(14000);
    await page.screenshot({ path: `seen/live-${name}.png`, fullPage: true });
    const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= window, `${wide} pixels in a window of ${window}`);
    assert.deepEqual(complaints, []);
    await close();
  });
}
