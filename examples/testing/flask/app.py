"""A Flask app that marks orders as delivered when Plustive reports it. `test_app.py` tests it with whtool."""

import hashlib
import hmac

from flask import Flask, request


def create_app(secret, orders):
    """Builds the app. `orders` maps references to their status."""
    app = Flask(__name__)

    @app.post("/webhooks/plustive")
    def plustive():
        # The signature is for the raw bytes: request.get_json() comes after it.
        body = request.get_data()
        given = request.headers.get("X-Plustive-Signature", "").removeprefix("sha256=")
        expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(given, expected):
            return "", 401
        event = request.get_json(force=True)
        orders[event["reference"]] = event["status"]
        return "", 204

    return app
