# FastAPI: take the Request and await request.body(); a Pydantic model as a parameter would parse the body first.
import hashlib
import hmac
import json
import os
import time

from fastapi import FastAPI, HTTPException, Request

app = FastAPI()


def is_signed(secret: str, signature: str, message: bytes) -> bool:
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


@app.post("/webhooks/plexos")
async def plexos(request: Request):
    body = await request.body()
    stamp = request.headers.get("X-Plexos-Timestamp", "")
    is_fresh = stamp.isascii() and stamp.isdigit() and abs(time.time() - int(stamp)) <= 300
    signature = request.headers.get("X-Plexos-Signature", "")
    if not is_fresh or not is_signed(os.environ["PLEXOS_WEBHOOK_SECRET"], signature, stamp.encode() + b"." + body):
        raise HTTPException(401)
    event = json.loads(body)  # then process it, once per event["id"]


@app.post("/webhooks/plustive")
async def plustive(request: Request):
    body = await request.body()
    signature = request.headers.get("X-Plustive-Signature", "")
    signature = signature[7:] if signature.lower().startswith("sha256=") else signature
    if not is_signed(os.environ["PLUSTIVE_WEBHOOK_SECRET"], signature, body):
        raise HTTPException(401)
    event = json.loads(body)  # then process it, once per event["reference"] and status
