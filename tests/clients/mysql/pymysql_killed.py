"""Writes to contentrepo's database, once committed and once not, says so, and waits to be killed."""

import os
import time
from urllib.parse import urlsplit

import pymysql

url = urlsplit(os.environ["CONTENTREPO_DATABASE_URL"])
connection = pymysql.connect(
    host=url.hostname,
    port=url.port,
    user=url.username,
    password=url.password,
    database=url.path.lstrip("/"),
)
with connection.cursor() as cursor:
    insert = "INSERT INTO buckets (bucketName) VALUES (%s)"
    cursor.execute(insert, ("kept",))
    connection.commit()
    cursor.execute("UPDATE buckets SET bucketName = %s WHERE bucketName = %s", ("changed", "kept"))
    cursor.execute(insert, ("lost",))
    print("written", flush=True)
    time.sleep(60)
