"""slack_sdk goes through a day in the workspace at URL, as a bot would. Ada and Ben are in #payments, which the bot is in; it is
not in #elsewhere; #old is archived; Gus is a guest, Del is deleted, Sam is a stranger."""

import json
import os
import urllib.error
import urllib.request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, HeaderBlock, SectionBlock

URL = os.environ["URL"]
ID = json.loads(os.environ["IDS"])


def same(seen, wanted):
    assert seen == wanted, f"{seen!r} is not {wanted!r}"


def refused(act, error, words=""):
    try:
        act()
    except SlackApiError as problem:
        same((problem.response.status_code, problem.response["error"]), (200, error))
        assert words in json.dumps(problem.response.data), problem.response.data
    else:
        raise AssertionError(f"this should be refused: {error}")


def client(token):
    return WebClient(token=token, base_url=f"{URL}/api/")


bot = client(os.environ["BOT_TOKEN"])
payments, elsewhere = ID["payments"], ID["elsewhere"]

# Who asks.
me = bot.auth_test()
same((me["user_id"], me["team_id"], me.headers["x-oauth-scopes"].count("chat:write")), (ID["hotfix"], ID["team"], 1))
refused(lambda: client("xoxb-wrong").auth_test(), "invalid_auth")
refused(lambda: bot.conversations_history(channel=payments), "missing_scope", '"needed": "channels:history"')
refused(lambda: bot.apps_connections_open(app_token=os.environ["BOT_TOKEN"]), "not_allowed_token_type")
refused(lambda: bot.api_call("chat.postMassage"), "unknown_method")

# Who is there.
same(bot.users_info(user=ID["ada"])["user"]["profile"]["email"], "ada@example.org")
kinds = ("is_restricted", "is_ultra_restricted", "deleted", "is_bot", "is_stranger", "is_admin")
for name, wanted in {
    "ada": [],
    "gus": ["is_restricted"],
    "sue": ["is_restricted", "is_ultra_restricted"],
    "del": ["deleted"],
    "sam": ["is_stranger"],
    "hotfix": ["is_bot"],
    "amy": ["is_admin"],
}.items():
    user = bot.users_info(user=ID[name])["user"]
    same([kind for kind in kinds if user.get(kind)], wanted)
refused(lambda: bot.users_info(user="U0NOBODY"), "user_not_found")
paged = [user["name"] for page in bot.users_list(limit=2) for user in page["members"]]
same(sorted(paged), ["ada", "amy", "ben", "del", "gus", "hotfix", "sue"])
same(bot.usergroups_list()["usergroups"][0]["handle"], "approvers")
same(bot.usergroups_users_list(usergroup=ID["approvers"])["users"], [ID["ben"]])
refused(lambda: bot.usergroups_users_list(usergroup="S0"), "no_such_subteam")

# Where.
room = bot.conversations_info(channel=payments)["channel"]
same((room["name"], room["is_member"], room["is_ext_shared"], room["is_archived"]), ("payments", True, False, False))
same(bot.conversations_info(channel=ID["shared"])["channel"]["is_ext_shared"], True)
refused(lambda: bot.conversations_info(channel=ID["secret"]), "channel_not_found")
members = [one for page in bot.conversations_members(channel=payments, limit=1) for one in page["members"]]
same(sorted(members), sorted([ID["ada"], ID["ben"], ID["hotfix"]]))
refused(lambda: bot.conversations_members(channel=payments, cursor="nonsense"), "invalid_cursor")
direct = bot.conversations_open(users=ID["ada"])["channel"]["id"]
same(bot.chat_postMessage(channel=ID["ada"], text="Only you read this")["channel"], direct)
refused(lambda: bot.conversations_open(users=ID["del"]), "user_disabled")

# What is said.
blocks = [
    HeaderBlock(text="HF-1"),
    SectionBlock(block_id="what", text="Fix the fees & more"),
    ActionsBlock(elements=[ButtonElement(text="Approve", action_id="approve", value="HF-1", style="primary")]),
]
metadata = {"event_type": "hotfix", "event_payload": {"effect": "7"}}
root = bot.chat_postMessage(channel=payments, text="HF-1", blocks=blocks, metadata=metadata)
same(root["message"]["blocks"][1]["block_id"], "what")
first = bot.chat_postMessage(channel=payments, text="one", thread_ts=root["ts"])
second = bot.chat_postMessage(channel=payments, text="two", thread_ts=root["ts"], reply_broadcast=True)
assert root["ts"] < first["ts"] < second["ts"]
for channel, error in {
    elsewhere: "not_in_channel",
    ID["secret"]: "channel_not_found",
    "C0NOWHERE": "channel_not_found",
    ID["old"]: "is_archived",
}.items():
    refused(lambda channel=channel: bot.chat_postMessage(channel=channel, text="no"), error)
refused(lambda: bot.chat_postMessage(channel=payments, text=""), "no_text")
refused(lambda: bot.chat_postMessage(channel=payments, text="x" * 40_001), "msg_too_long")
refused(lambda: bot.chat_postMessage(channel=payments, text="no", thread_ts="1.000001"), "thread_not_found")
refused(lambda: bot.chat_postMessage(channel=payments, text="no", thread_ts=first["ts"]), "cannot_reply_to_message")
refused(lambda: bot.chat_postMessage(channel=payments, text="no", attachments=[{"text": "x"}] * 101), "too_many_attachments")
refused(lambda: bot.chat_postMessage(channel=payments, text="no", metadata={"event_type": "x"}), "invalid_metadata_format")


def section(text):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(**more):
    return {"type": "button", "text": {"type": "plain_text", "text": "B"}, **more}


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


for wrong, words in [
    ([section("x")] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ([section("")], "must be more than 0 characters"),
    ([{"type": "section", "fields": [section("x")["text"]] * 11}], "no more than 10 items"),
    ([{"type": "section", "fields": [section("x" * 2001)["text"]]}], "less than 2001"),
    ([{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}], "less than 151"),
    ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type"),
    ([{"type": "context", "elements": [section("x")["text"]] * 11}], "no more than 10 items"),
    ([actions(*[button(action_id=str(it)) for it in range(26)])], "no more than 25 items"),
    ([actions(button(action_id="a"), button(action_id="a"))], "action_id a already exists"),
    ([actions(button(value="x" * 2001))], "less than 2001"),
    ([actions(button(action_id="x" * 256))], "less than 256"),
    ([actions({**button(), "text": {"type": "plain_text", "text": "x" * 76}})], "less than 76"),
    ([actions(button(style="green"))], "primary or danger"),
    ([{**section("x"), "block_id": "b"}] * 2, "block_id b already exists"),
    ([{**section("x"), "colour": "red"}], "invalid additional property: colour"),
    ([{"type": "section"}], "missing required field: text"),
    ([{"type": "marquee"}], "unsupported block type"),
]:
    refused(lambda wrong=wrong: bot.chat_postMessage(channel=payments, text="x", blocks=wrong), "invalid_blocks", words)
refused(lambda: bot.chat_postMessage(channel=payments, text="x", blocks=[section("x" * 2999)] * 5), "msg_blocks_too_long")

# What is changed.
bot.chat_update(channel=payments, ts=root["ts"], blocks=[section("Live")], text="Live")
# A text without blocks takes the blocks away, and blocks without a text leave the text.
card = bot.chat_postMessage(channel=payments, text="card", blocks=[section("Card")])["ts"]
same(bot.chat_update(channel=payments, ts=card, blocks=[section("Other")])["message"]["text"], "card")
assert "blocks" not in bot.chat_update(channel=payments, ts=card, text="bare")["message"]
bot.chat_delete(channel=payments, ts=card)
refused(lambda: bot.chat_update(channel=payments, ts="1.000001", text="no"), "message_not_found")
refused(lambda: bot.chat_update(channel=payments, ts=ID["said by ada"], text="no"), "cant_update_message")
refused(lambda: bot.chat_delete(channel=payments, ts=ID["said by ada"]), "cant_delete_message")
bot.chat_delete(channel=payments, ts=bot.chat_postMessage(channel=payments, text="gone")["ts"])
assert bot.chat_postEphemeral(channel=payments, user=ID["ada"], text="psst")["message_ts"]
refused(lambda: bot.chat_postEphemeral(channel=payments, user=ID["gus"], text="psst"), "user_not_in_channel")

# Reactions.
got = bot.reactions_get(channel=payments, timestamp=ID["said by ada"], full=True)["message"]["reactions"]
same(got, [{"name": "eyes", "users": [ID["ben"]], "count": 1}])
refused(lambda: bot.reactions_add(channel=payments, timestamp=root["ts"], name="eyes"), "missing_scope")

# Views without a trigger that is good.
modal = {"type": "modal", "title": {"type": "plain_text", "text": "Start"}, "blocks": []}
refused(lambda: bot.views_open(trigger_id="1.2.abc", view=modal), "invalid_trigger_id")
refused(lambda: bot.views_update(view_id="V0", view=modal), "not_found")
home = bot.views_publish(user_id=ID["ada"], view={"type": "home", "blocks": [section("Welcome")]})["view"]
refused(
    lambda: bot.views_publish(user_id=ID["ada"], hash="old", view={"type": "home", "blocks": [section("Welcome")]}),
    "hash_conflict",
)
refused(
    lambda: bot.views_publish(user_id=ID["ada"], view={"type": "home", "blocks": [section("x")] * 101}),
    "invalid_arguments",
    "no more than 100 items",
)
assert home["hash"]

# With leave to read history, the thread and the metadata are there.
os.write(1, b"grant\n")
assert input() == "granted"
history = bot.conversations_history(channel=payments, include_all_metadata=True)["messages"]
same([it["text"] for it in history], ["two", "Live", "said by ada"])
same((history[1]["metadata"], history[1]["reply_count"]), (metadata, 2))
assert "metadata" not in bot.conversations_history(channel=payments)["messages"][1]
thread = [it["text"] for page in bot.conversations_replies(channel=payments, ts=root["ts"], limit=1) for it in page["messages"]]
same(thread, ["Live", "one", "two"])
refused(lambda: bot.conversations_replies(channel=payments, ts="1.000001"), "thread_not_found")
