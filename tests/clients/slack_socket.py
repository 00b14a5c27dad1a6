"""A bot made with slack_sdk alone, over Socket Mode: it acknowledges everything, answers a command in its acknowledgement, and says
in the channel what else came. It ends when its standard input does."""

import os
import sys

from slack_sdk import WebClient
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

api = f"{os.environ['URL']}/api/"
web = WebClient(token=os.environ["BOT_TOKEN"], base_url=api)
client = SocketModeClient(
    app_token=os.environ["APP_TOKEN"],
    web_client=WebClient(token=os.environ["APP_TOKEN"], base_url=api),
    ping_interval=5,
)


def came(client, request):
    answer = {"text": f"You typed {request.payload['text']}"} if request.type == "slash_commands" else None
    client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=answer))
    if request.type == "events_api":
        event = request.payload["event"]
        web.chat_postMessage(channel=event.get("channel") or event["item"]["channel"], text=f"saw {event['type']}")


client.socket_mode_request_listeners.append(came)
client.connect()
sys.stdin.read()
client.close()
