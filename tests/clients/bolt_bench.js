// The rival in a bench: a bolt app over HTTP that makes each `/hotfix` command durable in SQLite before it acknowledges it, with a
// text that only the caller sees. SIGNING_SECRET, URL (of the Web API, without `/api`), BOT_TOKEN and DATABASE (a file) come from the
// environment. It prints its port; with COUNT set to a text, how many different commands of that text the file holds. node:sqlite
// where Node has it; else better-sqlite3, which is compiled once with `npm rebuild better-sqlite3 --prefix tests/clients`.
import bolt from '@slack/bolt';

const { App, HTTPReceiver } = bolt;
const { URL: url, BOT_TOKEN, SIGNING_SECRET, DATABASE } = process.env;

async function open(file) {
  try {
    const { DatabaseSync } = await import('node:sqlite');
    return new DatabaseSync(file);
  } catch (error) {
    if (error.code !== 'ERR_UNKNOWN_BUILTIN_MODULE') throw error;
    const { default: Database } = await import('better-sqlite3');
    return new Database(file);
  }
}

const database = await open(DATABASE);
database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL');
database.exec('CREATE TABLE IF NOT EXISTS command (id INTEGER PRIMARY KEY, body TEXT NOT NULL)');
if (process.env.COUNT) {
  const count = 'SELECT COUNT(DISTINCT body) AS different FROM command WHERE json_extract(body, ?) = ?';
  console.log(database.prepare(count).get('$.text', process.env.COUNT).different);
  process.exit();
}
const insert = database.prepare('INSERT INTO command (body) VALUES (?)');

const receiver = new HTTPReceiver({ signingSecret: SIGNING_SECRET, logLevel: 'error' });
const app = new App({
  receiver,
  logLevel: 'error',
  clientOptions: { slackApiUrl: `${url}/api/` },
  // Who the bot is is known, so that no call goes out before a command is taken.
  authorize: async () => ({ botToken: BOT_TOKEN, botId: 'B0', botUserId: 'U0' }),
});

app.command('/hotfix', async ({ command, ack }) => {
  const { lastInsertRowid } = insert.run(JSON.stringify(command));
  await ack({ response_type: 'ephemeral', text: `Taken as ${lastInsertRowid}.` });
});

const server = await app.start(0);
console.log(server.address().port);
