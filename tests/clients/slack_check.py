"""Holds the blocks of recorded calls against slack_sdk's own models. JSON lines of {method, arguments, …} are read from the file
that is named, or from standard input. Ends with 1, and says why, when something does not fit."""

import json
import sys

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View


def known(seen, kept):
    """Whatever stands in `seen` and not in `kept` is unknown to the models."""
    if isinstance(seen, dict) and isinstance(kept, dict):
        for key, value in seen.items():
            if key not in kept:
                if value not in ("", [], {}, None):
                    yield key
            else:
                yield from (f"{key}/{place}" for place in known(value, kept[key]))
    elif isinstance(seen, list) and isinstance(kept, list):
        if len(seen) != len(kept):
            yield "length"
        for index, (one, other) in enumerate(zip(seen, kept)):
            yield from (f"{index}/{place}" for place in known(one, other))
    elif seen != kept:
        yield f"{seen!r} became {kept!r}"


def whole(model):
    """All of it, checked at every depth."""
    if isinstance(model, list):
        return [whole(it) for it in model]
    return model.to_dict() if hasattr(model, "to_dict") else model


def wrong(blocks, most):
    if not isinstance(blocks, list):
        yield "blocks are not a list"
        return
    if len(blocks) > most:
        yield f"{len(blocks)} blocks are more than {most}"
    for index, block in enumerate(blocks):
        try:
            parsed = Block.parse(block)
            if parsed is None:
                yield f"block {index}: {block.get('type')} is unknown"
                continue
            for place in known(block, whole(parsed)):
                yield f"block {index}: {place}"
        except (SlackObjectFormationError, TypeError, KeyError, AttributeError) as problem:
            yield f"block {index}: {problem}"


def faults(call):
    arguments = call["arguments"] or {}
    if not isinstance(arguments, dict):
        return
    if call["method"].startswith("chat.") or call["method"] == "response_url":
        if "blocks" in arguments:
            yield from wrong(arguments["blocks"], 50)
            if not arguments.get("text"):
                yield "blocks without a text: notifications would be empty"
    elif call["method"].startswith("views."):
        view = arguments.get("view") or {}
        yield from wrong(view.get("blocks"), 100)
        try:
            View(**view).to_dict()
        except (SlackObjectFormationError, TypeError) as problem:
            yield str(problem)


def main():
    source = open(sys.argv[1], encoding="utf-8") if len(sys.argv) > 1 else sys.stdin
    bad = 0
    for number, line in enumerate(source, 1):
        call = json.loads(line)
        for why in faults(call):
            print(f"call {number}, {call['method']}: {why}", file=sys.stderr)
            bad = 1
    sys.exit(bad)


main()
