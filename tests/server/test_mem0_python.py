"""mem0's published Python client, sync and async, unmodified, against our server."""

import httpx2
import pytest

from mem0_clients import Client, Raised, account, mem0, mem0_server, serving, spoken_python  # noqa: F401


def finished(account, event_id):
    """An event when it is over; no method of the client asks for it."""
    headers = {"Authorization": f"Token {account.key}"}
    with httpx2.Client(headers=headers) as http:
        for _ in range(2000):
            event = http.get(f"{account.host}/v1/event/{event_id}/").json()
            if event["status"] != "PENDING":
                return event
    raise AssertionError("it never ended")


def kept(mem0, text, **more):
    more = {"user_id": "ann", "infer": False} | more
    return mem0.add(text, **more)["results"][0]["id"]


def texts(found):
    return sorted(each["memory"] for each in found["results"])


def test_it_learns_at_once_who_it_is(mem0, account):
    assert mem0.identity["org_id"] == account.organization
    assert mem0.identity["project_id"] == account.project
    assert mem0.identity["user_email"].endswith(".invalid")


def test_what_is_added_is_found_when_its_event_is_over(mem0, account):
    talk = [
        {"role": "user", "content": "I live in Taipei and I love oolong tea."},
        {"role": "assistant", "content": "Noted!"},
    ]
    added = mem0.add(talk, user_id="ann", run_id="r", metadata={"from": "chat"})
    assert added["status"] == "PENDING"
    event = finished(account, added["event_id"])
    assert event["status"] == "SUCCEEDED"
    learnt = {each["data"]["memory"] for each in event["results"]}
    found = mem0.search("Where does she live?", filters={"user_id": "ann"})["results"]
    assert found[0]["memory"] in learnt
    assert "Taipei" in found[0]["memory"]
    assert (found[0]["run_id"], found[0]["metadata"]["from"]) == ("r", "chat")
    assert 0 < found[0]["score"] <= 1
