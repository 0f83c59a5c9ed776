# FastAPI: take the Request and await request.body(); a Pydantic model as a parameter would parse the body first.
import hashlib
import hmac
import json
import os
import re
import time

from fastapi import FastAPI, HTTPException, Request

app = FastAPI()


def is_signed(variable: str, signature: str, message: bytes) -> bool:
    secret = os.environ[variable]
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return secret != "" and hmac.compare_digest(expected.encode(), signature.lower().encode())


def parse_event(body: bytes) -> dict | None:
    """Return None if the body is not a JSON object."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


@app.post("/webhooks/plexos")
async def plexos(request: Request):
    body = await request.body()
    stamp = request.headers.get("X-Plexos-Timestamp", "")
    is_fresh = re.fullmatch("[0-9]{1,12}", stamp) and abs(time.time() - int(stamp)) <= 300
    signature = request.headers.get("X-Plexos-Signature", "")
    if not is_fresh or not is_signed("PLEXOS_WEBHOOK_SECRET", signature, stamp.encode() + b"." + body):
        raise HTTPException(401)
    event = parse_event(body)
    if event is None:
        raise HTTPException(400)
    # Store `event` here, and process it later, once per event["id"].


@app.post("/webhooks/plustive")
async def plustive(request: Request):
    body = await request.body()
    signature = request.headers.get("X-Plustive-Signature", "")
    signature = signature[7:] if signature.lower().startswith("sha256=") else signature
    if not is_signed("PLUSTIVE_WEBHOOK_SECRET", signature, body):
        raise HTTPException(401)
    event = parse_event(body)
    if event is None:
        raise HTTPException(400)
    # Store `event` here, and process it later, once per event["reference"] and status.
