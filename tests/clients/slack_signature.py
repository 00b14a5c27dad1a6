"""Asks slack_sdk's verifier about a request with these HEADERS and this BODY, and about the same with one more character."""

import json
import os

from slack_sdk.signature import SignatureVerifier

verifier = SignatureVerifier(os.environ["SECRET"])
headers, body = json.loads(os.environ["HEADERS"]), os.environ["BODY"]
print(verifier.is_valid_request(body, headers), verifier.is_valid_request(body + "x", headers))
