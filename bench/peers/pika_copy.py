"""The careful one: COPY in batches over AMQP, and an ack once they are committed."""

import io
import json
import os

import pika
import psycopg2

BATCH = 5_000
# Seconds without a message after which what is there is written.
PATIENCE = 0.1
COPY = "COPY readings (time, device, metric, value, unit, boot, seq) FROM STDIN"

database = psycopg2.connect(os.environ["DATABASE_URL"])
connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.basic_qos(prefetch_count=2 * BATCH)


def line(method, body):
    metric, device = method.routing_key.split(".", 1)
    said = json.loads(body)
    row = (said["measured_at"], device, metric, said["value"], said["unit"], said["boot"], said["seq"])
    return "\t".join(map(str, row))


def write(lines, last_tag):
    with database.cursor() as cursor:
        cursor.copy_expert(COPY, io.StringIO("\n".join(lines)))
    database.commit()
    channel.basic_ack(last_tag, multiple=True)


lines, last_tag = [], None
for method, _, body in channel.consume(os.environ["AMQP_QUEUE"], inactivity_timeout=PATIENCE):
    if method is not None:
        lines.append(line(method, body))
        last_tag = method.delivery_tag
    if lines and (method is None or len(lines) >= BATCH):
        write(lines, last_tag)
        lines = []
