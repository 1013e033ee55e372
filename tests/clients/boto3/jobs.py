"""What a user of boto3 does with queues and dead letters, against the endpoint in
AWS_ENDPOINT_URL_SQS. botocore checks no digest of what it sends: here they are."""

import hashlib
import json
import os
import struct
import time

import boto3
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")
jobs, dead = os.environ["SQS_URL"], os.environ["SQS_DLQ_URL"]
body = json.dumps({"length": 1593790, "fid": 1, "dkey": "2aae6c35-répo"})
action = {"action": {"DataType": "String", "StringValue": "migrate"}}


def field(text):
    encoded = text.encode()
    return struct.pack(">I", len(encoded)) + encoded


digest = hashlib.md5(field("action") + field("String") + b"\1" + field("migrate")).hexdigest()


def refusal(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error
    raise AssertionError(f"{arguments} were taken")


# Resolved as s3migrate did it, by name.
name = jobs.rsplit("/", 1)[1]
assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == jobs
assert {jobs, dead} <= set(sqs.list_queues()["QueueUrls"])

entries = [{"Id": str(fid), "MessageBody": body, "MessageAttributes": action} for fid in range(10)]
sent = sqs.send_message_batch(QueueUrl=jobs, Entries=entries)
assert "Failed" not in sent or not sent["Failed"], sent
for entry in sent["Successful"]:
    assert entry["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest(), entry
    assert entry["MD5OfMessageAttributes"] == digest, entry

received = []
while len(received) < 10:
    answer = sqs.receive_message(
        QueueUrl=jobs,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=5,
        AttributeNames=["All"],
        MessageAttributeNames=["action"],
    )
    received += answer["Messages"]
for message in received:
    assert message["Body"] == body, message
    assert message["MessageAttributes"] == action, message
    assert message["MD5OfMessageAttributes"] == digest, message
    assert message["Attributes"]["ApproximateReceiveCount"] == "1", message
assert "Messages" not in sqs.receive_message(QueueUrl=jobs)

# One is left to die; an entry with a bad handle fails alone.
entries = [
    {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]}
    for at, message in enumerate(received[1:])
]
entries.append({"Id": "bad", "ReceiptHandle": "bad"})
answer = sqs.delete_message_batch(QueueUrl=jobs, Entries=entries)
assert len(answer["Successful"]) == 9, answer
assert [entry["Id"] for entry in answer["Failed"]] == ["bad"], answer
handle = received[0]["ReceiptHandle"]
while True:
    sqs.change_message_visibility(QueueUrl=jobs, ReceiptHandle=handle, VisibilityTimeout=0)
    answer = sqs.receive_message(QueueUrl=jobs)
    if "Messages" not in answer:
        break
    handle = answer["Messages"][0]["ReceiptHandle"]
letter = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"])["Messages"][0]
assert letter["MessageId"] == received[0]["MessageId"], letter
arn = letter["Attributes"]["DeadLetterQueueSourceArn"]
attributes = sqs.get_queue_attributes(QueueUrl=jobs, AttributeNames=["All"])["Attributes"]
assert attributes["QueueArn"] == arn, attributes
target = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]

# By a move it goes back where it came from.
sqs.change_message_visibility(
    QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=0
)
sqs.start_message_move_task(SourceArn=target)
back = sqs.receive_message(QueueUrl=jobs, WaitTimeSeconds=5)["Messages"][0]
assert back["Body"] == body and back["MessageId"] != letter["MessageId"], back
tasks = sqs.list_message_move_tasks(SourceArn=target)["Results"]
assert tasks[0]["Status"] == "COMPLETED", tasks
assert abs(tasks[0]["StartedTimestamp"] / 1000 - time.time()) < 600, tasks
sqs.delete_message(QueueUrl=jobs, ReceiptHandle=back["ReceiptHandle"])

# Refusals have both their names: the code of old, and the exception's.
error = refusal(sqs.get_queue_url, QueueName="none")
assert error.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue", error
assert isinstance(error, sqs.exceptions.QueueDoesNotExist), error
error = refusal(sqs.receive_message, QueueUrl=jobs, MaxNumberOfMessages=11)
assert error.response["Error"]["Code"] == "InvalidParameterValue", error
error = refusal(sqs.delete_message, QueueUrl=jobs, ReceiptHandle="bad")
assert isinstance(error, sqs.exceptions.ReceiptHandleIsInvalid), error
sqs.purge_queue(QueueUrl=dead)
