// Holds calls and their answers against GitHub's published description of its API. The file named on the command line has
// one call a line: method, path, query, body, status, answer. Prints the operations that were used, or fails with everything
// that does not fit.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import * as deviations from "./deviations.mjs";

const at = createRequire(import.meta.url).resolve("@octokit/openapi/generated/api.github.com.json");
const api = JSON.parse(readFileSync(at, "utf8"));

// OpenAPI 3.0 says `nullable`, JSON Schema says `null`; examples are no part of a schema.
function translated(node) {
  if (Array.isArray(node)) return node.map(translated);
  if (node === null || typeof node !== "object") return node;
  const entries = Object.entries(node).filter(([name, value]) => !(name === "nullable" && typeof value === "boolean"));
  const plain = Object.fromEntries(entries.map(([name, value]) => [name, pointer(name, value)]));
  if (node.nullable !== true) return plain;
  // A plain type is told apart by itself; a choice would complain about both of its halves.
  if (typeof plain.type !== "string") return { anyOf: [{ type: "null" }, plain] };
  return { ...plain, type: [plain.type, "null"], ...(plain.enum && { enum: [...plain.enum, null] }) };
}

function pointer(name, value) {
  if (name === "$ref" && typeof value === "string") return value.replace(/^#/, "github#");
  return name === "example" || name === "examples" ? undefined : translated(value);
}

const ajv = new Ajv({ strict: false, allErrors: true, coerceTypes: false, validateFormats: true, logger: false });
formats(ajv);
ajv.addSchema({ $id: "github", components: { schemas: translated(api.components.schemas) } });
// What stands in a path or behind a question mark is text, and read as what the description wants; it may then be several.
const read = (schema) => JSON.parse(JSON.stringify(schema).replaceAll('"oneOf":', '"anyOf":'));
const lenient = new Ajv({ strict: false, coerceTypes: "array", logger: false });
formats(lenient);
lenient.addSchema({ $id: "github", components: { schemas: translated(api.components.schemas) } });

const compiled = new Map();
function validator(schema, kind = ajv) {
  if (!compiled.has(schema)) compiled.set(schema, kind.compile(translated(schema)));
  return compiled.get(schema);
}

// `$ref` to a parameter, an answer or a schema.
function resolved(node) {
  if (node?.$ref === undefined) return node;
  return resolved(node.$ref.slice(2).split("/").reduce((inner, key) => inner[key.replaceAll("~1", "/")], api));
}

// Every operation with the form of its path. What has more written out comes first, for refs and ranges have slashes.
const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const parameters = (operation.parameters ?? []).map(resolved);
    const slashes = new Set(parameters.filter((it) => it["x-multi-segment"]).map((it) => it.name));
    const names = [];
    const form = path.replaceAll(".", "\\.").replace(/\{([^}]+)\}/g, (_, name) => {
      names.push(name);
      return slashes.has(name) ? "(.+)" : "([^/]+)";
    });
    return { method: method.toUpperCase(), path, names, form: new RegExp(`^${form}$`), parameters, operation };
  }),
);
const written = (it) => it.path.split("/").length - it.names.length;
operations.sort((a, b) => written(b) - written(a));

// Whether a schema names a member of an object, or lets any in.
function knows(schema, name) {
  const it = resolved(schema);
  if (it.properties?.[name] !== undefined || (it.additionalProperties ?? false) !== false) return true;
  return [...(it.oneOf ?? []), ...(it.anyOf ?? []), ...(it.allOf ?? [])].some((inner) => knows(inner, name));
}

function judgeRequest(call, found, complain) {
  const values = call.path.match(found.form).slice(1).map(decodeURIComponent);
  const check = (parameter, text) => {
    const holder = { value: text };
    const fits = validator(parameter.wrapped ??= { properties: { value: read(parameter.schema) } }, lenient);
    if (deviations.parameters[`${found.operation.operationId} ${parameter.name}`]?.test(text)) return;
    if (!fits(holder)) complain(`${parameter.in} parameter ${parameter.name}=${text}: ${lenient.errorsText(fits.errors)}`);
  };
  const known = (place, name) => found.parameters.find((it) => it.in === place && it.name === name);
  found.names.forEach((name, place) => check(known("path", name), values[place]));
  for (const [name, text] of new URLSearchParams(call.query)) {
    const parameter = known("query", name);
    if (parameter === undefined) complain(`the query parameter ${name} is unknown`);
    else check(parameter, text);
  }
  const described = resolved(found.operation.requestBody);
  const schema = described?.content?.["application/json"]?.schema;
  if (call.body === null) {
    if (described?.required) complain("it has no body, and needs one");
    return;
  }
  if (schema === undefined) return complain("it has a body, and none is described");
  const fits = validator(schema);
  if (deviations.bodies[found.operation.operationId]?.(call.body)) return;
  if (!fits(call.body)) complain(`the body: ${ajv.errorsText(fits.errors)}`);
  if (Array.isArray(call.body)) return;
  const strange = Object.keys(call.body).filter((name) => !knows(schema, name));
  if (strange.length > 0) complain(`the body has ${strange}, which is not described`);
}

function judgeAnswer(call, found, complain) {
  const described = resolved(found.operation.responses[call.status]);
  if (described === undefined) {
    // Everything may be unknown, forbidden, too much or broken, described or not.
    if (![401, 403, 404, 429].includes(call.status) && call.status < 500) {
      const excused = deviations.statuses[found.operation.operationId] ?? [];
      if (!excused.includes(call.status)) complain(`the answer ${call.status} is not described`);
    }
    return;
  }
  const schema = described.content?.["application/json"]?.schema;
  if (schema === undefined) {
    // A refusal says why, described or not.
    if (call.answer !== null && call.status < 400) complain(`the answer ${call.status} has a body, and none is described`);
    return;
  }
  const fits = validator(schema);
  if (fits(call.answer)) return;
  const value = (error) => error.instancePath.split("/").slice(1).reduce((inner, key) => inner[key], call.answer);
  const wrong = fits.errors.filter((error) => !deviations.answers.some((excuse) => excuse(error, value(error))));
  // A choice is wrong because all that may be chosen is, which is told already; or because too much of it fits.
  const choice = (error) => ["anyOf", "oneOf", "allOf"].includes(error.keyword) && !error.params.passingSchemas;
  const leaves = wrong.filter((error) => !choice(error));
  for (const error of leaves) complain(`the answer ${call.status}${error.instancePath}: ${error.message} (${JSON.stringify(error.params)})`);
}

const calls = readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
const complaints = new Map();
const used = new Set();
for (const call of calls) {
  for (const it of deviations.paths.filter((it) => it.method === call.method)) call.path = call.path.replace(it.old, it.now);
  const found = operations.find((it) => it.method === call.method && it.form.test(call.path));
  const name = found?.operation.operationId ?? `${call.method} ${call.path}`;
  const complain = (what) => complaints.set(`${name}: ${what}`, call);
  if (found === undefined) {
    complain("this operation is unknown");
    continue;
  }
  used.add(name);
  judgeRequest(call, found, complain);
  // 304 says nothing new, and what a test broke on purpose is no answer of GitHub's.
  if (call.status !== 304 && call.status !== null) judgeAnswer(call, found, complain);
}
if (complaints.size > 0) {
  for (const complaint of complaints.keys()) console.error(complaint);
  process.exit(1);
}
console.log([...used].sort().join("\n"));
