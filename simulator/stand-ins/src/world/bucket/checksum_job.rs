//! S3 Batch Operations, as far as a job goes that computes checksums: it reads each object of a manifest,
//! and writes a report. What is stored beside an object as its checksum plays no part.

use data_encoding::{BASE64, HEXLOWER, HEXUPPER};
use serde_json::{Value, json};

use super::{Condition, Content, PutRequest, S3World, StoreError};

impl S3World {
    /// Does a job to its end. `job` is the request (S3 API reference, `CreateJob`), `id` the job's id. The
    /// report is in the bucket and under the prefix that the request names. Returns what `DescribeJob` says
    /// then.
    ///
    /// Errors where the request lacks something that S3 needs, in words.
    pub fn compute_checksums(&self, job: &Value, id: &str) -> Result<Value, String> {
        let text = |place: &str| {
            let value = job.pointer(place).and_then(Value::as_str);
            value.filter(|text| !text.is_empty()).ok_or_else(|| format!("the job has no {place}"))
        };
        for place in ["/AccountId", "/ClientRequestToken", "/RoleArn"] {
            text(place)?;
        }
        for (place, needed) in [
            ("/Operation/S3ComputeObjectChecksum/ChecksumAlgorithm", "SHA1"),
            ("/Operation/S3ComputeObjectChecksum/ChecksumType", "FULL_OBJECT"),
            ("/Manifest/Spec/Format", "S3BatchOperations_CSV_20180820"),
            ("/Report/Format", FORMAT),
        ] {
            if text(place)? != needed {
                return Err(format!("{place} is not {needed}"));
            }
        }
        let manifest = text("/Manifest/Location/ObjectArn")?;
        let (bucket, key) =
            in_s3(manifest).and_then(|name| name.split_once('/')).ok_or(manifest)?;
        let at = text("/Report/Bucket")?;
        let at = in_s3(at).ok_or(at)?;
        let folder = format!("{}/job-{id}", text("/Report/Prefix")?);

        let condition = Condition::ETag(text("/Manifest/Location/ETag")?.to_owned());
        let Ok(object) = self.get(bucket, key, &condition) else {
            return Ok(described(job, id, "Failed", [0, 0]));
        };
        let lines = String::from_utf8_lossy(object.content.bytes()).into_owned();
        let (mut rows, mut tasks) = ([String::new(), String::new()], [0, 0]);
        for line in lines.lines() {
            let (bucket, key) =
                line.split_once(',').ok_or("a line of the manifest has no comma")?;
            let row = self.row(bucket, key);
            let place = usize::from(row.is_err());
            let (Ok(row) | Err(row)) = row;
            rows[place] += &row;
            tasks[place] += 1;
        }
        self.report(at, &folder, &rows).map_err(|error| error.to_string())?;
        Ok(described(job, id, "Complete", tasks))
    }

    /// The row of an object that was read, or of one that could not be.
    fn row(&self, bucket: &str, key: &str) -> Result<String, String> {
        let object = self.get(bucket, key, &Condition::None).map_err(|error| {
            // No JSON here, and quotes and commas of its own.
            format!("{bucket},{key},,failed,404,{},\"The \"\"key\"\", {error}\"\n", error.code())
        })?;
        let sha1 = object.content.sha1();
        let base64 = BASE64.encode(&sha1).replace('=', "\\u003d");
        let answer = format!(
            r#"{{"checksum_base64":"{base64}","etag":"{}","checksumAlgorithm":"SHA1","checksumType":"FULL_OBJECT","checksum_hex":"{}"}}"#,
            object.etag,
            HEXUPPER.encode(&sha1)
        );
        Ok(format!("{bucket},{key},,succeeded,200,,\"{}\"\n", answer.replace('"', "\"\"")))
    }

    fn report(&self, at: &str, folder: &str, rows: &[String; 2]) -> Result<(), StoreError> {
        let mut results = Vec::new();
        for (status, rows) in ["succeeded", "failed"].iter().zip(rows) {
            if rows.is_empty() {
                continue;
            }
            let content = Content::of(rows.clone().into_bytes());
            let (md5, sha1) = (content.md5(), content.sha1());
            let (md5, name) = (HEXLOWER.encode(&md5), HEXLOWER.encode(&sha1));
            let key = format!("{folder}/results/{name}.csv");
            self.put(at, &key, PutRequest::new(content))?;
            results.push(json!({
                "TaskExecutionStatus": status, "Bucket": at, "MD5Checksum": md5, "Key": key,
            }));
        }
        let manifest = json!({
            "Format": FORMAT,
            "ReportCreationDate": "2026-01-01T00:00:00.000Z",
            "Results": results,
            "ReportSchema":
                "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage",
        });
        let content = Content::of(manifest.to_string().into_bytes());
        self.put(at, &format!("{folder}/manifest.json"), PutRequest::new(content)).map(|_| ())
    }
}

const FORMAT: &str = "Report_CSV_20180820";

fn in_s3(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:aws:s3:::")
}

fn described(job: &Value, id: &str, status: &str, [succeeded, failed]: [u64; 2]) -> Value {
    json!({"Job": {
        "JobId": id,
        "Status": status,
        "Manifest": job["Manifest"],
        "Operation": job["Operation"],
        "Report": job["Report"],
        "RoleArn": job["RoleArn"],
        "ProgressSummary": {
            "TotalNumberOfTasks": succeeded + failed,
            "NumberOfTasksSucceeded": succeeded,
            "NumberOfTasksFailed": failed,
        },
    }})
}
