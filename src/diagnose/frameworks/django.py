# Django: read request.body before request.POST; csrf_exempt, since providers send no CSRF token.
import hashlib
import hmac
import json
import os
import time

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


def is_signed(secret: str, signature: str, message: bytes) -> bool:
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


@csrf_exempt
@require_POST
def plexos(request):
    body = request.body
    stamp = request.headers.get("X-Plexos-Timestamp", "")
    is_fresh = stamp.isascii() and stamp.isdigit() and abs(time.time() - int(stamp)) <= 300
    signature = request.headers.get("X-Plexos-Signature", "")
    if not is_fresh or not is_signed(os.environ["PLEXOS_WEBHOOK_SECRET"], signature, stamp.encode() + b"." + body):
        return HttpResponse(status=401)
    event = json.loads(body)  # then process it, once per event["id"]
    return HttpResponse(status=200)


@csrf_exempt
@require_POST
def plustive(request):
    body = request.body
    signature = request.headers.get("X-Plustive-Signature", "")
    signature = signature[7:] if signature.lower().startswith("sha256=") else signature
    if not is_signed(os.environ["PLUSTIVE_WEBHOOK_SECRET"], signature, body):
        return HttpResponse(status=401)
    event = json.loads(body)  # then process it, once per event["reference"] and status
    return HttpResponse(status=200)
