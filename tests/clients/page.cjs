// Pages as Chromium shows them: node page.cjs CHROMIUM, with a list of {url, width, token, picture} as JSON
// on stdin. Prints for each its title, text, what axe finds against WCAG 2.2 AA, errors of the console,
// and whether it is wider than the window. Chromium is spoken to in its own protocol.
// Without url it is the page shown before; {noScripts: true} lets no page run any; {keys: [...]} is what is
// done by keyboard alone: each {at: SELECTOR} is gone to by Tab, then {file} chosen, {typed} in place of what
// stands there, the key {press} pressed, a download put into the folder {saved}, or the {next} page or the text
// {shows} waited for. {clip: [SELECTOR...]}: the picture is of
// these parts alone, whose text is told as `seen`; {until: TEXT} waits for a text on a page that others wrote, of
// which nothing else is told.
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

async function until(found) {
  for (let tries = 0; tries < 2500; tries += 1) {
    const value = await found();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`waited in vain: ${found}`);
}

const KEYS = {
  Tab: { code: "Tab", windowsVirtualKeyCode: 9 },
  Enter: { code: "Enter", windowsVirtualKeyCode: 13, text: "\r" },
  " ": { code: "Space", windowsVirtualKeyCode: 32, text: " " },
};

async function pressed(call, key) {
  await call("Input.dispatchKeyEvent", { type: "keyDown", key, ...KEYS[key] });
  await call("Input.dispatchKeyEvent", { type: "keyUp", key, ...KEYS[key], text: undefined });
}

async function done(call, heard, evaluated, { at, file, typed, press, saved, next, shows }) {
  const isThere = `document.activeElement.matches(${JSON.stringify(at)})`;
  for (let tabs = 0; !(await evaluated(isThere)); tabs += 1) {
    if (tabs > 50) throw new Error(`no Tab leads to ${at}`);
    await pressed(call, "Tab");
  }
  const event = (method, isIt = () => true) => until(() =>
    heard.find((message) => message.method === method && isIt(message.params)));
  if (saved)
    await call("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: saved, eventsEnabled: true });
  if (file) {
    await call("Page.setInterceptFileChooserDialog", { enabled: true });
    await pressed(call, " ");
    const { params } = await event("Page.fileChooserOpened");
    await call("DOM.setFileInputFiles", { files: [file], backendNodeId: params.backendNodeId });
  }
  if (typed) {
    await evaluated("document.activeElement.select()");
    await call("Input.insertText", { text: typed });
  }
  if (press) {
    heard.length = 0;
    await pressed(call, press);
  }
  if (saved) await event("Browser.downloadProgress", (params) => params.state === "completed");
  if (next) await event("Page.loadEventFired");
  if (shows) await until(() => evaluated(`document.body.innerText.includes(${JSON.stringify(shows)})`));
}

// What is around these parts of the page, with some air. What is higher than a picture should be is an error.
const AROUND = `((parts) => {
  const boxes = parts.map((one) => document.querySelector(one).getBoundingClientRect());
  const least = (side) => Math.min(...boxes.map((box) => box[side]));
  const most = (side) => Math.max(...boxes.map((box) => box[side]));
  const [x, y] = [Math.max(0, least("left") - 16), Math.max(0, least("top") + scrollY - 16)];
  const height = most("bottom") + scrollY + 16 - y;
  if (height > 1000) throw new Error(parts + " is " + height + " pixels high");
  return { x, y, width: Math.min(most("right") + 16, innerWidth) - x, height, scale: 1 };
})`;

async function shown(call, heard, page) {
  const { url, width, token, picture, noScripts = false, keys = [], clip = ["body"], until: awaited } = page;
  const evaluated = async (expression) => {
    const { result, exceptionDetails } =
      await call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  heard.length = 0;
  await call("Emulation.setDeviceMetricsOverride",
    { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 });
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  await call("Network.setExtraHTTPHeaders", { headers });
  await call("Emulation.setScriptExecutionDisabled", { value: noScripts });
  if (url) {
    await call("Page.navigate", { url });
    await until(() => heard.some((message) => message.method === "Page.loadEventFired"));
  }
  for (const key of keys) await done(call, heard, evaluated, key);
  await call("Emulation.setScriptExecutionDisabled", { value: false });
  if (awaited) {
    await until(() => evaluated(`document.body.innerText.includes(${JSON.stringify(awaited)})`));
    // Its switches come after its texts.
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
  const parts = JSON.stringify(clip);
  const part = page.clip && await evaluated(`${AROUND}(${parts})`);
  const { data } = await call("Page.captureScreenshot", { captureBeyondViewport: true, ...(part && { clip: part }) });
  writeFileSync(picture, Buffer.from(data, "base64"));
  const seen = (await evaluated(`${parts}.map((one) => document.querySelector(one).innerText)`)).join(" ");
  if (awaited) return { seen };
  // axe is put in by the debugger, which the page's own policy doesn't bind.
  await evaluated(readFileSync(require.resolve("axe-core/axe.min.js"), "utf8"));
  const kinds = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";
  return {
    seen,
    title: await evaluated("document.title"),
    text: await evaluated("document.body.innerText"),
    border: await evaluated("getComputedStyle(document.querySelector('header')).borderBottomWidth"),
    isTooWide: await evaluated("document.documentElement.scrollWidth > " + width),
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
    // Waited for: what a pipe has not taken yet is lost when Node is told to end.
    await new Promise((resolve) => process.stdout.write(JSON.stringify(told), resolve));
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
