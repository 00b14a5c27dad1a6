// Holds calls and their answers against Discord's own description of its API, as `discord-api-spec` has it: the types say which
// schema an operation takes and gives, and the schemas are strict about fields that nobody knows. The file named on the command
// line has one call a line. Prints the operations that were used, or fails with everything that does not fit.
import { readFileSync } from "node:fs";
import * as z from "zod/mini";
import * as schemas from "discord-api-spec/zod";

schemas.setStrictObject(true);
const place = import.meta.resolve("discord-api-spec/zod").replace(/\.zod\.js$/, ".ts");
const types = readFileSync(new URL(place), "utf8");

// Every operation: `"/path": {` at two spaces, `get: {` at four, and below it what it asks and answers.
const operations = [];
let operation, path;
for (const line of types.slice(types.indexOf("export interface Paths")).split("\n")) {
  if (line === "}") break;
  const named = /^ {2}"([^"]+)": \{$/.exec(line);
  if (named) path = named[1];
  const method = /^ {4}(get|put|post|patch|delete): \{$/.exec(line);
  if (method) {
    const form = path.split("/").map((part) => (part.startsWith("{") ? "[^/]+" : part)).join("/");
    operation = { method: method[1].toUpperCase(), path, form: new RegExp(`^${form}$`), text: "" };
    operations.push(operation);
  } else if (operation) operation.text += `${line}\n`;
}
// What has more written out comes first: `/users/@me` is no user's number.
const written = (it) => it.path.split("/").filter((part) => !part.startsWith("{")).length;
operations.sort((a, b) => written(b) - written(a));

// A type as a schema: names, lists of them, and choices; `null` is said in words by some descriptions and never sent.
function schema(type) {
  const parts = type.split("|").map((part) => part.trim()).filter((part) => part !== "" && part !== "null");
  const known = parts.map((part) => {
    const name = part.replace("[]", "");
    const found = schemas[`${name}Schema`];
    if (found === undefined) throw new Error(`there is no schema for ${type}`);
    return part.endsWith("[]") ? z.array(found) : found;
  });
  return known.length === 1 ? known[0] : z.union(known);
}

const word = (text, form) => form.exec(text)?.[1];
const asked = (it) => word(it.text, /^ {6}requestBody\?:\s([^;{]+);/m);
const given = (it, status) => word(it.text, new RegExp(`^ {8}"${status}":\\s([^;{]+);`, "m"));
const queries = (it) => new Set([...(word(it.text, /query\?: \{([^}]*)\}/) ?? "").matchAll(/(\w+)\?:/g)].map((one) => one[1]));

// What is wrong, from the depth of choices: of each choice, what came nearest.
function wrongs(issues) {
  return issues.flatMap((issue) => {
    if (!issue.errors?.length) return [issue];
    const nearest = issue.errors.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0];
    return wrongs(nearest).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });
}
// A choice that is told apart by its type is not meant when the type is another.
const depth = (issues) => (issues.some((issue) => issue.path.at(-1) === "type") ? 0 : 1);

// The places of errors, as Discord's reference shows them: their codes are words, where the description has numbers.
function places(node) {
  return Object.entries(node).every(([name, inner]) =>
    name === "_errors"
      ? inner.length > 0 && inner.every((it) => typeof it.code === "string" && typeof it.message === "string")
      : places(inner),
  );
}

const complaints = new Set();
const used = new Set();
for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean)) {
  const call = JSON.parse(line);
  const at = call.path.replace(/^\/api\/v10/, "");
  const found = operations.find((it) => it.method === call.method && it.form.test(at));
  const name = `${call.method} ${found?.path ?? at}`;
  const complain = (what) => complaints.add(`${name}: ${what}`);
  if (found === undefined) {
    complain("this operation is unknown");
    continue;
  }
  used.add(name);
  const judge = (kind, type, value) => {
    const read = schema(type).safeParse(value);
    if (read.success) return;
    for (const it of wrongs(read.error.issues)) {
      const there = it.path.reduce((inner, key) => inner?.[key], value);
      // Discord writes its times as 2015-04-26T06:26:56.936000+00:00, and the schemas know `Z` alone.
      if (it.format === "datetime" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/.test(there)) continue;
      complain(`${kind} at ${it.path.join(".")}: ${it.code} ${it.format ?? it.keys ?? it.expected ?? ""}`);
    }
  };
  for (const parameter of new URLSearchParams(call.query).keys()) {
    if (!queries(found).has(parameter)) complain(`the query parameter ${parameter} is unknown`);
  }
  const request = asked(found);
  if (call.body !== null) {
    if (request === undefined || request === "undefined") complain("it has a body, and none is described");
    // What Discord refuses need not fit.
    else if (call.status !== 400) judge("the body", request, call.body);
  }
  if (call.status === null || call.status >= 500) continue;
  if (call.status === 429) judge("the answer", "RatelimitedResponse", call.answer);
  else if (call.status >= 400) {
    const { errors, ...plain } = call.answer;
    judge("the answer", "ErrorResponse", plain);
    if (errors !== undefined && !places(errors)) complain(`the answer at errors: ${JSON.stringify(errors)}`);
  }
  else if (given(found, call.status) === undefined) complain(`the answer ${call.status} is not described`);
  else if (call.status !== 204) judge(`the answer ${call.status}`, given(found, call.status), call.answer);
}
if (complaints.size > 0) {
  console.error([...complaints].join("\n"));
  process.exit(1);
}
console.log([...used].sort().join("\n"));
