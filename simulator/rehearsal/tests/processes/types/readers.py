"""What a reader of S3 gets with each object, against the services in AWS_ENDPOINT_URL_*."""

import json
import os

import boto3

s3 = boto3.client("s3")
with open(os.environ["EXPECTED"]) as file:
    expected = json.load(file)
for bucket, key, kind, disposition in expected:
    answer = s3.head_object(Bucket=bucket, Key=key)
    # What S3 says where an object has no type; and the type of intermediaries, which a copy keeps.
    kinds = [kind] if kind else ["binary/octet-stream", "application/octet-stream"]
    assert answer["ContentType"] in kinds, (key, answer["ContentType"], kinds)
    assert answer.get("ContentDisposition") == disposition, (key, answer, disposition)
assert len(expected) > 100, len(expected)
