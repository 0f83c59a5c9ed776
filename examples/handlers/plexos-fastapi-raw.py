# CORRECT: request.body() is the raw body.
import hashlib
import hmac
import json
import os
import re
import time

import uvicorn
from fastapi import FastAPI, Request, Response

SECRET = os.environ["PLEXOS_WEBHOOK_SECRET"].encode()
app = FastAPI()


def is_authentic(headers, body):
    timestamp = headers.get("X-Plexos-Timestamp", "")
    if not re.fullmatch("[0-9]{1,11}", timestamp) or abs(time.time() - int(timestamp)) > 300:
        return False
    expected = hmac.new(SECRET, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    given = headers.get("X-Plexos-Signature", "").lower()
    return hmac.compare_digest(given.encode(), expected.encode())


@app.post("/webhooks/plexos")
async def webhook(request: Request):
    body = await request.body()
    if not is_authentic(request.headers, body):
        return Response(status_code=400)
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return Response(status_code=400)
    return Response(status_code=200 if isinstance(event, dict) else 400)


uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", 3000)))
