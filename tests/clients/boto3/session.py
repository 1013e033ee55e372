"""What a user of boto3 reads, against the services in AWS_ENDPOINT_URL_*."""

import base64
import hashlib
import os

import boto3

bucket = os.environ["BUCKET"]
s3 = boto3.client("s3")
ways = set()
for listed in s3.list_objects_v2(Bucket=bucket)["Contents"]:
    key = listed["Key"]
    if "/" in key:
        continue
    answer = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    # A stored checksum of the whole is validated by the SDK as the bytes are read.
    content = answer["Body"].read()
    sha1 = hashlib.sha1(content)
    way = answer["ContentDisposition"]
    assert sha1.hexdigest() == key, way
    assert len(content) == listed["Size"], way
    assert answer["ContentType"] == "application/x-test", way
    head = s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    stored = head["ChecksumSHA1"]
    assert stored == answer["ChecksumSHA1"], way
    if way == "parts":
        assert head["ChecksumType"] == "COMPOSITE", head
        size = int(os.environ["PART_BYTES"])
        parts = [content[at : at + size] for at in range(0, len(content), size)]
        joined = b"".join(hashlib.sha1(part).digest() for part in parts)
        whole = base64.b64encode(hashlib.sha1(joined).digest()).decode()
        assert stored == f"{whole}-{len(parts)}", stored
    else:
        assert head["ChecksumType"] == "FULL_OBJECT", head
        assert stored == base64.b64encode(sha1.digest()).decode(), way
        validated = answer["ResponseMetadata"]["HTTPHeaders"]["x-amz-checksum-sha1"]
        assert validated == stored, way
    ways.add(way)
assert ways == {"put", "empty", "parts", "copy"}, ways

fid = os.environ["FID"]
item = boto3.client("dynamodb").get_item(
    TableName=os.environ["TABLE"], Key={"fid": {"N": fid}}, ConsistentRead=True
)["Item"]
theirs = {
    "fid": {"N": fid},
    "sha1": {"S": os.environ["RECORD_SHA1"]},
    "md5": {"S": os.environ["RECORD_MD5"]},
    "bucket": {"S": os.environ["RECORD_BUCKET"]},
}
assert theirs.items() <= item.items(), item
