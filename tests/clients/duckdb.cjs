// DuckDB from Node, as a reader uses it: node duckdb.cjs EXTENSIONS URL [TOKEN]; prints the rows of
// a Parquet file and of a table of mart.duckdb, both by their address.
const { DuckDBInstance } = require("@duckdb/node-api");

async function main(extensions, url, token) {
  const instance = await DuckDBInstance.create(":memory:", { extension_directory: extensions });
  const connection = await instance.connect();
  await connection.run("load httpfs");
  if (token) await connection.run(`create secret (type http, bearer_token '${token}')`);
  await connection.run(`attach '${url}mart.duckdb' as mart (read_only)`);
  const counts = await connection.runAndReadAll(
    `select (select count(*) from read_parquet('${url}indicator_progress.parquet'))::int,
      (select count(*) from mart.indicator_progress)::int`,
  );
  console.log(JSON.stringify(counts.getRows()[0]));
}

main(...process.argv.slice(2));
