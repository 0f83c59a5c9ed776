import threading

import pytest
from werkzeug.serving import make_server

from app import create_app

SECRET = "plustive_secret_only_for_tests"


@pytest.fixture
def orders():
    return {}


@pytest.fixture
def listener(orders, whtool):
    """The app, and a listener that forwards to it."""
    server = make_server("127.0.0.1", 0, create_app(SECRET, orders))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield whtool(
        forward_to=f"http://127.0.0.1:{server.server_port}/webhooks/plustive",
        env={"PLUSTIVE_WEBHOOK_SECRET": SECRET},
    )
    server.shutdown()


def test_a_delivered_purchase_is_noted(listener, orders):
    listener.send("plustive:transaction.success", set={"reference": "PLS-7XKQR4N"})
    delivery = listener.wait_for("transaction.success")
    assert delivery["verdict"] == "verified"
    assert listener.wait_for_answer(delivery)["status"] == 204
    assert orders == {"PLS-7XKQR4N": "Success"}


def test_a_forged_event_never_reaches_the_app(listener, orders):
    listener.send("plustive:transaction.success", args=["--tamper"])
    delivery = listener.wait_for(lambda delivery: delivery["verdict"] != "verified")
    assert delivery["answered"] == 401
    assert orders == {}
