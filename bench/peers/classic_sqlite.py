"""The classic script beside mosquitto: an INSERT and a commit for each message, and the ack after the commit.

`classic_sqlite.py FILE` stores until it is stopped; `classic_sqlite.py FILE ROWS SECONDS` waits until so many rows are
there, at most for so long, and prints what became of them.
"""

import json
import os
import sqlite3
import sys
import time
from datetime import datetime

import paho.mqtt.client as mqtt

CREATE = """CREATE TABLE IF NOT EXISTS readings (
    time TEXT, device TEXT, metric TEXT, value REAL, unit TEXT, boot INTEGER, seq INTEGER, stored_at REAL)"""
INSERT = "INSERT INTO readings VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def connect(file):
    database = sqlite3.connect(file)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(CREATE)
    database.commit()
    return database


def store(file):
    database = connect(file)

    def on_connect(client, userdata, flags, reason, properties):
        client.subscribe("temperature/#", qos=1)

    def on_subscribe(client, userdata, mid, reasons, properties):
        print("ready", flush=True)

    def on_message(client, userdata, message):
        metric, device = message.topic.split("/", 1)
        said = json.loads(message.payload)
        database.execute(INSERT, (said["measured_at"], device, metric, said["value"], said["unit"], said["boot"],
                                  said["seq"], time.time()))
        database.commit()
        client.ack(message.mid, message.qos)

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="classic", clean_session=False, manual_ack=True)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.connect(os.environ["MQTT_HOST"], int(os.environ["MQTT_PORT"]))
    client.loop_forever()


def report(file, wanted, seconds):
    database = connect(file)
    count = "SELECT coalesce(max(rowid), 0) FROM readings"
    end = time.time() + seconds
    while database.execute(count).fetchone()[0] < wanted and time.time() < end:
        time.sleep(0.2)
    rows = database.execute("SELECT time, stored_at, device, boot, seq FROM readings ORDER BY rowid").fetchall()
    stored = [row[1] for row in rows]
    waits = [stored_at - datetime.fromisoformat(at).timestamp() for at, stored_at, *_ in rows]
    print(json.dumps({
        "rows": len(rows),
        "different": len({row[2:] for row in rows}),
        "seconds": stored[-1] - stored[0] if stored else 0,
        "waits_ms": [round(wait * 1000, 3) for wait in waits],
    }))


if len(sys.argv) > 2:
    report(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
else:
    store(sys.argv[1])
