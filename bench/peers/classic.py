"""What most people write first: an INSERT and a commit for each message."""

import json
import os

import paho.mqtt.client as mqtt
import psycopg2

INSERT = """INSERT INTO readings (time, device, metric, value, unit, boot, seq) VALUES (%s, %s, %s, %s, %s, %s, %s)"""

database = psycopg2.connect(os.environ["DATABASE_URL"])
cursor = database.cursor()


def on_connect(client, userdata, flags, reason, properties):
    client.subscribe("temperature/#", qos=1)


def on_message(client, userdata, message):
    metric, device = message.topic.split("/", 1)
    said = json.loads(message.payload)
    row = (said["measured_at"], device, metric, said["value"], said["unit"], said["boot"], said["seq"])
    cursor.execute(INSERT, row)
    database.commit()


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=os.environ["MQTT_CLIENT"], clean_session=False)
client.username_pw_set(os.environ["MQTT_USER"], os.environ["MQTT_PASSWORD"])
client.on_connect = on_connect
client.on_message = on_message
client.connect(os.environ["MQTT_HOST"], int(os.environ["MQTT_PORT"]))
client.loop_forever()
