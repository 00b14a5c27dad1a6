// A small bot made with discord.js, against the Discord at API with the gateway at GATEWAY. It registers a command, answers it,
// opens a modal, posts with buttons, reads reactions and comes back after a cut. A test plays the people. What it sees of
// reactions it says in the channel.
import {
  ActionRowBuilder, ButtonBuilder, ButtonStyle, Client, EmbedBuilder, Events, GatewayIntentBits, MessageFlags, ModalBuilder,
  SlashCommandBuilder, TextInputBuilder, TextInputStyle,
} from "discord.js";

const { API, TOKEN } = process.env;
const intents = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessageReactions];
const quiet = { parse: [] };
const client = new Client({ intents, rest: { api: API }, allowedMentions: quiet, partials: [] });

const command = new SlashCommandBuilder()
  .setName("hotfix")
  .setDescription("Takes a fix to production")
  .addSubcommand((sub) =>
    sub
      .setName("start")
      .setDescription("Starts one")
      .addStringOption((it) => it.setName("service").setDescription("Which service").setRequired(true))
      .addUserOption((it) => it.setName("captain").setDescription("Who leads")),
  )
  .addSubcommand((sub) => sub.setName("reason").setDescription("Asks why, in a modal"))
  .addSubcommand((sub) => sub.setName("slow").setDescription("Takes its time"));

const buttons = (off) =>
  new ActionRowBuilder().addComponents(
    new ButtonBuilder().setCustomId("approve:1").setLabel("Approve").setStyle(ButtonStyle.Success).setDisabled(off),
    new ButtonBuilder().setCustomId("refuse:1").setLabel("Refuse").setStyle(ButtonStyle.Danger).setDisabled(off),
    new ButtonBuilder().setURL("https://example.org/runbook").setLabel("Runbook").setStyle(ButtonStyle.Link),
  );
const card = (words) =>
  new EmbedBuilder().setTitle("Hotfix").setDescription(words).addFields({ name: "Service", value: "payments" });

async function ran(it) {
  const sub = it.options.getSubcommand();
  if (sub === "reason") {
    const input = new TextInputBuilder()
      .setCustomId("why").setLabel("Why?").setStyle(TextInputStyle.Paragraph).setMinLength(5).setMaxLength(200);
    const modal = new ModalBuilder().setCustomId("reason:1").setTitle("A reason");
    return it.showModal(modal.addComponents(new ActionRowBuilder().addComponents(input)));
  }
  if (sub === "slow") {
    await it.deferReply({ flags: MessageFlags.Ephemeral });
    await it.editReply({ content: "Found it." });
    return it.followUp({ content: "And more.", flags: MessageFlags.Ephemeral });
  }
  const service = it.options.getString("service");
  const captain = it.options.getUser("captain");
  await it.reply({ content: `Started ${service} for ${it.user}.`, flags: MessageFlags.Ephemeral });
  const words = captain ? `led by ${captain}` : "led by nobody";
  const post = await it.channel.send({ embeds: [card(words)], components: [buttons(false)], nonce: "effect-1", enforceNonce: true });
  const again = await it.channel.send({ content: "twice", nonce: "effect-1", enforceNonce: true });
  if (again.id !== post.id) throw new Error("the nonce was not enforced");
  const thread = await post.startThread({ name: "Hotfix 1", autoArchiveDuration: 1440 });
  await thread.members.add(it.user.id);
  await thread.send({ content: "Here it goes on." });
  await post.react("👍");
}

client.on(Events.InteractionCreate, (it) => {
  const done = it.isChatInputCommand() ? ran(it)
    : it.isButton() ? it.update({ embeds: [card(`approved by ${it.user.username}`)], components: [buttons(true)] })
    : it.isModalSubmit() ? it.reply({ content: `Because: ${it.fields.getTextInputValue("why")}` })
    : Promise.reject(new Error("what is this?"));
  done.catch(failed);
});
for (const [event, word] of [[Events.MessageReactionAdd, "put"], [Events.MessageReactionRemove, "taken"]]) {
  client.on(event, async (reaction, user) => {
    if (user.id === client.user.id) return;
    try {
      const all = await reaction.users.fetch({ limit: 100 });
      const names = all.filter((one) => !one.bot).map((one) => one.username).sort();
      await reaction.message.channel.send(`${word} ${reaction.emoji.name}: ${names.join(", ")}`);
    } catch (error) {
      failed(error);
    }
  });
}
client.on(Events.Error, failed);
function failed(error) {
  console.error(error);
  process.exit(1);
}

process.stdin.on("data", () => process.exit(0));
client.once(Events.ClientReady, async () => {
  try {
    await client.guilds.cache.first().commands.set([command]);
    const guild = await client.guilds.fetch({ guild: client.guilds.cache.first().id, force: true });
    await guild.roles.fetch();
    await guild.members.fetch({ user: client.user.id, force: true });
    await client.application.fetch();
    const channel = guild.channels.cache.find((it) => it.name === "releases");
    await channel.send("I am here.");
    await channel.messages.fetch({ limit: 5 });
    await channel.fetch(true);
  } catch (error) {
    failed(error);
  }
});
client.login(TOKEN).catch(failed);
