// Holds app manifests, one in JSON on each line of a file, against Slack's own types of them: names, events and scopes. Prints
// how many there were, or says what does not fit.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));
const manifests = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean);
// As literals in the program itself: only in them does TypeScript miss nothing and tolerate nothing.
const types = join(here, 'node_modules/@slack/web-api/dist/types/request/manifest.js');
const source = [
  `import type { Manifest } from ${JSON.stringify(types)};`,
  ...manifests.map((manifest) => `{ const made: Manifest = ${manifest}; void made; }`),
  // What Slack has no name for is noticed.
  '// @ts-expect-error',
  "{ const made: Manifest = { display_information: { name: '' }, settings: { event_subscriptions: { bot_events: ['app_menshun'] } } }; void made; }",
].join('\n');

const name = join(here, 'manifests.ts');
const options = {
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
};
const host = ts.createCompilerHost(options);
const own = (path) => path === name;
const { getSourceFile, fileExists, readFile } = host;
host.fileExists = (path) => own(path) || fileExists.call(host, path);
host.readFile = (path) => (own(path) ? source : readFile.call(host, path));
host.getSourceFile = (path, language, ...rest) =>
  own(path) ? ts.createSourceFile(path, source, language) : getSourceFile.call(host, path, language, ...rest);

const found = ts.getPreEmitDiagnostics(ts.createProgram([name], options, host));
if (found.length > 0) {
  const words = found.map((wrong) => ts.flattenDiagnosticMessageText(wrong.messageText, '\n'));
  console.error(words.join('\n\n'));
  process.exit(1);
}
console.log(manifests.length);
