"""What receives webhooks: it believes only what is signed with its secret."""

# begin receive
import json

from standardwebhooks import Webhook, WebhookVerificationError


def receive(secret: str, headers: dict[str, str], body: bytes) -> int:
    """The status to answer with; anything but 2xx is sent again later."""
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return 401
    told = json.loads(body)
    # The same one may come twice, with the same webhook-id.
    print(headers["webhook-id"], told["type"], told["data"]["new_memory"])
    return 204


# end receive

import base64  # noqa: E402
from datetime import UTC, datetime  # noqa: E402

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, yes").decode()
sent = json.dumps({"type": "memory.added", "data": {"new_memory": "I live in Oslo"}})
at = datetime.now(UTC)
signed = {
    "webhook-id": "7c1f",
    "webhook-timestamp": str(int(at.timestamp())),
    "webhook-signature": Webhook(SECRET).sign("7c1f", at, sent),
}
print(receive(SECRET, signed, sent.encode()), receive(SECRET, signed, sent.encode() + b" "))
