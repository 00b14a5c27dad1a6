// A small reference bot made with bolt, over HTTP or Socket Mode (MODE): it answers a command, a button, a modal, a mention and a
// reaction, and posts messages. It prints its port, or `connected`, and ends when its standard input does.
import bolt from '@slack/bolt';

const { App, HTTPReceiver } = bolt;
const { URL: url, MODE, BOT_TOKEN, APP_TOKEN, SIGNING_SECRET } = process.env;
const clientOptions = { slackApiUrl: `${url}/api/` };
const common = { token: BOT_TOKEN, clientOptions, logLevel: 'error' };
const app =
  MODE === 'socket'
    ? new App({ ...common, appToken: APP_TOKEN, socketMode: true })
    : new App({ ...common, receiver: new HTTPReceiver({ signingSecret: SIGNING_SECRET, logLevel: 'error' }) });

const plain = (text) => ({ type: 'plain_text', text });
const section = (text) => ({ type: 'section', text: { type: 'mrkdwn', text } });
const modal = {
  type: 'modal',
  callback_id: 'start',
  title: plain('Start a hotfix'),
  submit: plain('Start'),
  close: plain('Cancel'),
  blocks: [
    { type: 'input', block_id: 'why', label: plain('Reason'), element: { type: 'plain_text_input', action_id: 'text', max_length: 20 } },
    {
      type: 'input',
      block_id: 'where',
      optional: true,
      label: plain('Environment'),
      element: {
        type: 'static_select',
        action_id: 'env',
        options: ['staging', 'production'].map((it) => ({ text: plain(it), value: it })),
      },
    },
  ],
};

app.command('/hotfix', async ({ command, ack, respond, client, say }) => {
  if (command.text === 'modal') {
    await ack();
    await client.views.open({ trigger_id: command.trigger_id, view: { ...modal, private_metadata: command.channel_id } });
  } else if (command.text.startsWith('start')) {
    await ack();
    const buttons = { type: 'actions', elements: [{ type: 'button', action_id: 'approve', value: 'HF-1', text: plain('Approve') }] };
    await say({ text: 'HF-1', blocks: [section(`*HF-1* ${command.text}`), buttons] });
    await respond({ text: 'Started.' });
  } else {
    await ack({ text: `I do not know ${command.text}` });
  }
});

app.action('approve', async ({ body, ack, respond }) => {
  await ack();
  await respond({ replace_original: true, text: 'HF-1', blocks: [section(`*HF-1* approved by <@${body.user.id}>`)] });
});

app.view('start', async ({ ack, view, client }) => {
  const why = view.state.values.why.text.value;
  if (why === 'because') {
    await ack({ response_action: 'errors', errors: { why: 'That is no reason' } });
    return;
  }
  await ack();
  const where = view.state.values.where.env.selected_option?.value ?? 'nowhere';
  await client.chat.postMessage({ channel: view.private_metadata, text: `${why} on ${where}` });
});

app.event('app_mention', async ({ event, say }) => {
  await say({ text: `You called, <@${event.user}>?`, thread_ts: event.thread_ts ?? event.ts });
});

app.event('reaction_added', async ({ event, client }) => {
  await client.chat.postMessage({ channel: event.item.channel, thread_ts: event.item.ts, text: `saw :${event.reaction}:` });
});

app.event('app_home_opened', async ({ event, client }) => {
  await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: [section('Nothing is open.')] } });
});

app.shortcut('note', async ({ shortcut, ack, respond }) => {
  await ack();
  await respond({ text: `Noted: ${shortcut.message.text}` });
});

const server = await app.start(0);
console.log(MODE === 'socket' ? 'connected' : server.address().port);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
