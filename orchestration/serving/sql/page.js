// Asks a tier's database in the browser. DuckDB, the database and the ready questions come from the
// server that sent the page, and nothing leaves it.
import * as duckdb from "@duckdb/duckdb-wasm";
import book from "../../../docs/questions.md";

const MOST_ROWS = 1000;
// Without the name and password that the page's own address may have: no address with them is fetched.
const SERVER = location.origin;
const page = document.querySelector("main").dataset;
const part = (id) => document.getElementById(id);
const [asked, form, ready, status, answer] =
  ["query", "ask", "ready", "status", "answer"].map(part);
let connection;
let shown = null;

/** The questions of docs/questions.md: a heading in English, a line in Albanian, a statement. */
function questions() {
  return book.split(/^## /m).slice(1).map((chapter) => {
    const [english, albanian] = chapter.split("\n").filter((line) => line.trim());
    const statement = chapter.match(/```sql\n([\s\S]*?)```/);
    return { sq: albanian, en: english, statement: statement && statement[1].trim() };
  }).filter((one) => one.statement);
}

async function start() {
  status.textContent = page.loading;
  const worker = new Worker(`${SERVER}/sql/duckdb-browser-eh.worker.js`);
  const database = new duckdb.AsyncDuckDB(new duckdb.VoidLogger(), worker);
  await database.instantiate(`${SERVER}/sql/duckdb-eh.wasm`);
  await database.registerFileURL(
    "krat.duckdb", SERVER + page.database, duckdb.DuckDBDataProtocol.HTTP, false);
  connection = await database.connect();
  await connection.query("attach 'krat.duckdb' as krat (read_only)");
  await connection.query("use krat");
  for (const one of questions()) {
    // A tier doesn't have every table.
    try {
      await (await connection.prepare(one.statement)).close();
      ready.append(new Option(one[page.language], one.statement));
    } catch { /* not a question of this tier */ }
  }
  ready.disabled = part("run").disabled = false;
  status.textContent = page.ready;
}

function row(kind, cells) {
  const line = document.createElement("tr");
  for (const [text, isNumber] of cells) {
    const cell = document.createElement(kind);
    cell.textContent = text;
    if (kind === "th") cell.scope = "col";
    if (isNumber) cell.className = "figure";
    line.append(cell);
  }
  return line;
}

async function run() {
  status.textContent = page.asking;
  try {
    // In a new line, as what is asked may end with a comment.
    const question = `(\n${asked.value.trim().replace(/;$/, "")}\n)`;
    const described = (await connection.query(`describe from ${question}`)).toArray();
    const fields = described.map((field) => ({
      name: field.column_name,
      isNumber: /^(U?(TINY|SMALL|BIG|HUGE)?INT|FLOAT|DOUBLE|DECIMAL)/.test(field.column_type),
    }));
    // DuckDB writes the values: for decimals, lists and times JavaScript would write others.
    const found = await connection.query(`select cast(columns(*) as varchar) from ${question}`);
    const columns = fields.map((_, place) => found.getChildAt(place));
    const rows = Array.from({ length: found.numRows }, (_, line) =>
      columns.map((column) => column.get(line) ?? ""));
    shown = [fields.map((field) => field.name), ...rows];
    const head = document.createElement("thead");
    head.append(row("th", fields.map((field) => [field.name, field.isNumber])));
    const body = document.createElement("tbody");
    for (const cells of rows.slice(0, MOST_ROWS)) {
      body.append(row("td", cells.map((text, place) => [text, fields[place].isNumber])));
    }
    answer.replaceChildren(head, body);
    status.textContent = `${page.rows}: ${rows.length}.` +
      (rows.length > MOST_ROWS ? ` ${page.shortened}` : "");
  } catch (mistake) {
    shown = null;
    answer.replaceChildren();
    status.textContent = mistake.message;
  }
  part("save").disabled = shown === null;
}

/** A cell of CSV; a text that would start a formula in a spreadsheet has an apostrophe before it. */
function cell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function save() {
  const lines = shown.map((cells) => cells.map(cell).join(",") + "\r\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", ...lines], { type: "text/csv" }));
  link.download = "krat.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

form.addEventListener("submit", (event) => { event.preventDefault(); run(); });
ready.addEventListener("change", () => { if (ready.value) { asked.value = ready.value; run(); } });
asked.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); run(); }
});
part("save").addEventListener("click", save);
start().catch((mistake) => { status.textContent = `${page.failed} ${mistake.message}`; });
