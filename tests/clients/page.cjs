// Pages as Chromium shows them: node page.cjs CHROMIUM, with a list of {url, width, token, picture} as JSON
// on stdin. Prints for each its title, text, what axe finds against WCAG 2.2 AA, errors of the console,
// and whether it is wider than the window. Chromium is spoken to in its own protocol.
const { spawn } = require("node:child_process");
const { mkdtempSync, rmSync, writeFileSync, readFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const WebSocket = require("ws");

function started(chromium, profile) {
  const browser = spawn(chromium, [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
    "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank",
  ], { detached: true });
  return new Promise((resolve, reject) => {
    let told = "";
    browser.stderr.on("data", (part) => {
      told += part;
      const match = told.match(/DevTools listening on ws:\/\/([^/]+)\//);
      if (match) resolve([browser, match[1]]);
    });
    browser.on("exit", () => reject(new Error(told)));
  });
}

async function connected(host) {
  const targets = await (await fetch(`http://${host}/json/list`)).json();
  const socket = new WebSocket(targets.find((one) => one.type === "page").webSocketDebuggerUrl);
  await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
  const waiting = new Map();
  const heard = [];
  let count = 0;
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    if (message.id === undefined) heard.push(message);
    else waiting.get(message.id)(message);
  });
  const call = (method, params = {}) =>
    new Promise((resolve, reject) => {
      count += 1;
      waiting.set(count, (message) =>
        message.error ? reject(new Error(`${method}: ${message.error.message}`)) : resolve(message.result));
      socket.send(JSON.stringify({ id: count, method, params }));
    });
  return [call, heard];
}

async function shown(call, heard, { url, width, token, picture }) {
  const evaluated = async (expression) => {
    const { result, exceptionDetails } =
      await call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.text);
    return result.value;
  };
  heard.length = 0;
  await call("Emulation.setDeviceMetricsOverride",
    { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 });
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  await call("Network.setExtraHTTPHeaders", { headers });
  await call("Page.navigate", { url });
  while (!heard.some((message) => message.method === "Page.loadEventFired"))
    await new Promise((resolve) => setTimeout(resolve, 20));
  const { data } = await call("Page.captureScreenshot", { captureBeyondViewport: true });
  writeFileSync(picture, Buffer.from(data, "base64"));
  // axe is put in by the debugger, which the page's own policy doesn't bind.
  await evaluated(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const kinds = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";
  return {
    title: await evaluated("document.title"),
    text: await evaluated("document.body.innerText"),
    border: await evaluated("getComputedStyle(document.querySelector('header')).borderBottomWidth"),
    isTooWide: await evaluated("document.documentElement.scrollWidth > innerWidth"),
    found: await evaluated(`axe.run(document, {runOnly: ${kinds}}).then((told) => told.violations.map(
      (one) => one.id + ": " + one.nodes.map((node) => node.target).slice(0, 3)))`),
    errors: heard
      .filter((one) => one.method === "Log.entryAdded" && one.params.entry.level === "error")
      .map((one) => `${one.params.entry.text} ${one.params.entry.url}`),
  };
}

async function main(chromium) {
  const profile = mkdtempSync(join(tmpdir(), "krat-chromium-"));
  const [browser, host] = await started(chromium, profile);
  try {
    const [call, heard] = await connected(host);
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await call(`${domain}.enable`);
    const told = [];
    for (const page of JSON.parse(readFileSync(0, "utf8"))) told.push(await shown(call, heard, page));
    console.log(JSON.stringify(told));
  } finally {
    browser.removeAllListeners("exit");
    const ended = new Promise((resolve) => browser.on("exit", resolve));
    // The whole group: its helpers outlive the browser, and write on into the profile.
    process.kill(-browser.pid, "SIGKILL");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

// What still holds on to the browser would keep Node from ending.
main(...process.argv.slice(2)).then(() => process.exit(0), (error) => {
  console.error(String(error));
  process.exit(1);
});
