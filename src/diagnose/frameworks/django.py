# Django: read request.body before request.POST; csrf_exempt, since providers send no CSRF token. In urls.py:
#   path("webhooks/plexos", views.plexos),
#   path("webhooks/plustive", views.plustive),
import hashlib
import hmac
import json
import os
import re
import time

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


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


@csrf_exempt
@require_POST
def plexos(request):
    body = request.body
    stamp = request.headers.get("X-Plexos-Timestamp", "")
    is_fresh = re.fullmatch("[0-9]{1,12}", stamp) and abs(time.time() - int(stamp)) <= 300
    signature = request.headers.get("X-Plexos-Signature", "")
    if not is_fresh or not is_signed("PLEXOS_WEBHOOK_SECRET", signature, stamp.encode() + b"." + body):
        return HttpResponse(status=401)
    event = parse_event(body)
    if event is None:
        return HttpResponse(status=400)
    # Store `event` here, and process it later, once per event["id"].
    return HttpResponse(status=200)


@csrf_exempt
@require_POST
def plustive(request):
    body = request.body
    signature = request.headers.get("X-Plustive-Signature", "")
    signature = signature[7:] if signature.lower().startswith("sha256=") else signature
    if not is_signed("PLUSTIVE_WEBHOOK_SECRET", signature, body):
        return HttpResponse(status=401)
    event = parse_event(body)
    if event is None:
        return HttpResponse(status=400)
    # Store `event` here, and process it later, once per event["reference"] and status.
    return HttpResponse(status=200)
