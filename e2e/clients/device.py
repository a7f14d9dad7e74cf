"""Eclipse Paho as a device: publishes each line of its input, pipelined, and reports what came of it as JSON.

    BROKER=ws://user:password@127.0.0.1:15675/ws device.py --version 5 temperature/lab < payloads
"""

import argparse
import json
import os
import sys
import threading
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

PATIENCE_SECONDS = 60
WINDOW = 500

arguments = argparse.ArgumentParser()
arguments.add_argument("topic")
arguments.add_argument("--version", choices=["3.1", "3", "5"], default="3")
arguments.add_argument("--qos", type=int, default=1)
arguments.add_argument("--subscribe", action="store_true", help="subscribe to the topic, and publish nothing")
arguments = arguments.parse_args()
broker = urlsplit(os.environ["BROKER"])

report = {"connack": None, "suback": None, "acked": 0, "closed": False}
over = threading.Event()
wanted = 1


def on_connect(client, _userdata, _flags, reason, _properties):
    report["connack"] = str(reason)
    if reason.is_failure:
        over.set()
    elif arguments.subscribe:
        client.subscribe(arguments.topic, qos=1)
    else:
        publish(client)


def publish(client):
    global wanted
    payloads = sys.stdin.read().splitlines()
    wanted = len(payloads)
    for payload in payloads:
        client.publish(arguments.topic, payload, qos=arguments.qos)


def on_publish(_client, _userdata, _id, reason, _properties):
    report["acked"] += not reason.is_failure
    if report["acked"] == wanted:
        over.set()


def on_subscribe(_client, _userdata, _id, reasons, _properties):
    report["suback"] = [str(reason) for reason in reasons]
    over.set()


def on_disconnect(_client, _userdata, _flags, _reason, _properties):
    report["closed"] = not over.is_set()
    over.set()


client = mqtt.Client(
    CallbackAPIVersion.VERSION2,
    protocol={"3.1": mqtt.MQTTv31, "3": mqtt.MQTTv311, "5": mqtt.MQTTv5}[arguments.version],
    transport="websockets" if broker.scheme == "ws" else "tcp",
    reconnect_on_failure=False,
)
if broker.username:
    client.username_pw_set(broker.username, broker.password)
if broker.scheme == "ws":
    client.ws_set_options(path=broker.path)
client.max_inflight_messages_set(WINDOW)
client.on_connect, client.on_disconnect = on_connect, on_disconnect
client.on_publish, client.on_subscribe = on_publish, on_subscribe
client.connect(broker.hostname, broker.port)
client.loop_start()
in_time = over.wait(PATIENCE_SECONDS)
client.disconnect()
client.loop_stop()
print(json.dumps(report))
sys.exit(0 if in_time else 1)
