"""Reads MogileFS's tables by PyMySQL, in the world that the environment names."""

import os
from urllib.parse import urlsplit

import pymysql

url = urlsplit(os.environ["MOGILE_DATABASE_URL"])
FILES = int(os.environ["FILES"])


def connect(**changes):
    settings = {
        "host": url.hostname,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "database": url.path.lstrip("/"),
        "connect_timeout": 10,
        "read_timeout": 10,
    }
    return pymysql.connect(**{**settings, **changes})


def refused(number, act):
    try:
        act()
    except pymysql.MySQLError as error:
        assert error.args[0] == number, error
        return str(error.args[1])
    raise AssertionError(f"error {number} was due")


def rows(cursor, sql, *arguments):
    cursor.execute(sql, arguments)
    return cursor.fetchall()


# The user and the password are asked for.
assert "using password: YES" in refused(1045, lambda: connect(password="another"))
refused(1045, lambda: connect(user="root"))
refused(1049, lambda: connect(database="elsewhere"))

connection = connect()
with connection.cursor() as cursor:
    assert rows(cursor, "SELECT DATABASE(), 1") == (("mogilefs", 1),)
    assert ("file",) in rows(cursor, "SHOW TABLES")
    domains = dict(rows(cursor, "SELECT namespace, dmid FROM domain ORDER BY dmid"))
    dmid = domains["plos_repo"]

    # As s3migrate read it: by pages of the primary key.
    fids, after = [], 0
    while True:
        page = rows(
            cursor,
            "SELECT fid, dkey, length FROM file WHERE fid > %s ORDER BY fid LIMIT %s",
            after,
            7,
        )
        if not page:
            break
        fids += [fid for fid, _, _ in page]
        after = page[-1][0]
    assert len(fids) == FILES and fids == sorted(fids), fids
    assert rows(cursor, "SELECT COUNT(*) FROM file WHERE dmid = %s", dmid) == ((FILES,),)
    # One that has no key and no length, and one whose letters are not all ASCII.
    assert rows(cursor, "SELECT dkey, length FROM file WHERE fid = %s", 10**10) == ((None, None),)
    assert rows(cursor, "SELECT length FROM file WHERE dkey = %s", "grüße 'x'") == ((5,),)

    # What is not on the list is named, and the session goes on.
    for sql in ["DELETE FROM file", "SELECT SLEEP(1)", "SET GLOBAL read_only = 0"]:
        assert sql in refused(1064, lambda: cursor.execute(sql)), sql
    refused(1146, lambda: cursor.execute("SELECT * FROM nothing"))
    refused(1054, lambda: cursor.execute("SELECT nothing FROM file"))
    assert rows(cursor, "SELECT dmid FROM domain WHERE namespace = 'plos_repo'") == ((dmid,),)

# Transactions are begun and ended; a broken connection is made again.
connection.begin()
connection.commit()
connection.begin()
connection.rollback()
connection.ping(reconnect=True)
connection.close()

# The clients' databases are read and changed. What is not committed goes with its connection.
contentrepo = urlsplit(os.environ["CONTENTREPO_DATABASE_URL"]).path.lstrip("/")
rhino = urlsplit(os.environ["RHINO_DATABASE_URL"]).path.lstrip("/")
connection = connect(database=contentrepo)
with connection.cursor() as cursor:
    insert = "INSERT INTO buckets (bucketName) VALUES (%s)"
    assert cursor.execute(insert, ("one",)) == 1
    first = cursor.lastrowid
    connection.commit()
    cursor.execute("UPDATE buckets SET bucketName = %s WHERE bucketId = %s", ("two", first))
    connection.rollback()
    named = "SELECT bucketName FROM buckets WHERE bucketId = %s"
    assert rows(cursor, named, first) == (("one",),)
    # The collation is that of an old server.
    assert rows(cursor, "SELECT bucketId FROM buckets WHERE bucketName = %s", "ONE ") == ((first,),)
    assert rows(cursor, "SELECT bucketId FROM buckets WHERE BINARY bucketName = 'ONE '") == ()
    assert "bucketName" in refused(1062, lambda: cursor.execute(insert, ("One",)))
    connection.rollback()
    cursor.execute(insert, ("lost",))
connection._force_close()
connection = connect(database=rhino, autocommit=True)
with connection.cursor() as cursor:
    cursor.execute(f"SELECT COUNT(*) FROM {contentrepo}.buckets")
    assert cursor.fetchone() == (1,)
    (_, text), = rows(cursor, "SHOW CREATE TABLE articleFile")
    assert "KEY `bucketName_index` (`bucketName`)" in text, text
    cursor.execute("SELECT created FROM articleFile")
connection.close()

# Rows that come one by one, and a client that goes away among them.
connection = connect(cursorclass=pymysql.cursors.SSCursor)
with connection.cursor() as cursor:
    cursor.execute("SELECT fid FROM file")
    assert cursor.fetchone() == (fids[0],)
connection._force_close()
connect().close()
