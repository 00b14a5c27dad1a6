// Speaks to the gateway at GATEWAY as no good client does, and sees with which code each line is closed.
import assert from "node:assert/strict";
import { WebSocket } from "ws";

const { GATEWAY, TOKEN } = process.env;
// A line that is not closed at all is a failure, too.
setTimeout(() => assert.fail("a line was not closed"), 30_000).unref();
const identify = (changes) => ({
  op: 2,
  d: { token: TOKEN, intents: 1, properties: { os: "linux", browser: "test", device: "test" }, ...changes },
});

// The code with which a line is closed after these frames, and the events until then.
async function closed(frames, version = 10) {
  const line = new WebSocket(`${GATEWAY}/?v=${version}&encoding=json`);
  const heard = [];
  line.on("message", (text) => heard.push(JSON.parse(text)));
  line.on("open", () => frames.forEach((frame) => line.send(typeof frame === "string" ? frame : JSON.stringify(frame))));
  const code = await new Promise((done) => line.on("close", done));
  return [code, heard.map((it) => it.t ?? it.op)];
}

assert.deepEqual(await closed([], 6), [4012, []]);
assert.deepEqual(await closed(["{"]), [4002, [10]]);
assert.deepEqual(await closed([{ op: 99, d: {} }]), [4001, [10]]);
assert.deepEqual(await closed([{ op: 3, d: {} }]), [4003, [10]]);
assert.deepEqual(await closed([identify({ token: "wrong" })]), [4004, [10]]);
assert.deepEqual(await closed([identify(), identify()]), [4005, [10, "READY", "GUILD_CREATE"]]);
assert.deepEqual(await closed([identify(), { op: 1, d: 99 }]), [4007, [10, "READY", "GUILD_CREATE"]]);
assert.deepEqual(await closed([identify({ intents: 1 << 30 })]), [4013, [10]]);
assert.deepEqual(await closed([identify({ intents: 1 << 15 })]), [4014, [10]]);
assert.deepEqual(await closed([{ op: 6, d: { token: TOKEN, session_id: "none", seq: 1 } }, { op: 99, d: null }]), [4001, [10, 9]]);
const [code, heard] = await closed(Array.from({ length: 121 }, () => ({ op: 1, d: null })));
assert.deepEqual([code, heard.filter((it) => it === 11).length], [4008, 120]);
