//! Batches of which a part comes back as unprocessed, in DynamoDB's JSON.

use std::io;

use serde_json::{Map, Value};

/// The operations that may do a part of their work.
#[derive(Debug, Clone, Copy)]
pub(super) enum Batch {
    Write,
    Get,
}

/// A batch in two.
#[derive(Debug, PartialEq)]
pub(super) struct Split {
    /// The request for the entries that are carried out, if there are any.
    pub(super) carried_out: Option<Vec<u8>>,
    /// The others, as the answer tells them: by table.
    pub(super) unprocessed: Map<String, Value>,
}

impl Batch {
    pub(super) fn of_operation(name: &str) -> Option<Self> {
        match name {
            "BatchWriteItem" => Some(Self::Write),
            "BatchGetItem" => Some(Self::Get),
            _ => None,
        }
    }

    /// The first entries of a request, in the order of the tables' names, and the others. What is
    /// no such request is not split: the database knows best what is wrong with it.
    pub(super) fn split(self, request: &[u8], processed: usize) -> Option<Split> {
        let mut request: Value = serde_json::from_slice(request).ok()?;
        let tables = request.get_mut("RequestItems")?.as_object_mut()?;
        let mut unprocessed = tables.clone();
        let mut left = processed;
        for (name, table) in tables.iter_mut() {
            let carried_out = self.entries(table)?;
            carried_out.truncate(left);
            left -= carried_out.len();
            self.entries(unprocessed.get_mut(name)?)?.drain(..carried_out.len());
        }
        for tables in [&mut *tables, &mut unprocessed] {
            tables.retain(|_, table| self.entries(table).is_some_and(|left| !left.is_empty()));
        }
        let is_none = tables.is_empty();
        let carried_out = if is_none { None } else { Some(serde_json::to_vec(&request).ok()?) };
        Some(Split { carried_out, unprocessed })
    }

    /// The answer to a batch's first part, as one to the whole.
    pub(super) fn with_unprocessed(
        self,
        answer: &[u8],
        mut unprocessed: Map<String, Value>,
    ) -> io::Result<Vec<u8>> {
        let field = match self {
            Self::Write => "UnprocessedItems",
            Self::Get => "UnprocessedKeys",
        };
        let mut answer: Map<String, Value> = serde_json::from_slice(answer)?;
        // The database has limits of its own.
        for (name, table) in
            answer.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten()
        {
            match unprocessed.get_mut(name).and_then(|table| self.entries(table)) {
                Some(entries) => entries.append(self.entries(table).unwrap_or(&mut Vec::new())),
                None => {
                    unprocessed.insert(name.clone(), table.take());
                }
            }
        }
        answer.insert(field.to_owned(), Value::Object(unprocessed));
        Ok(serde_json::to_vec(&answer)?)
    }

    /// The writes or keys of one table.
    fn entries(self, table: &mut Value) -> Option<&mut Vec<Value>> {
        match self {
            Self::Write => table.as_array_mut(),
            Self::Get => table.get_mut("Keys")?.as_array_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What becomes of a batch of writes `1 2` to table `a` and `3` to table `b`.
    fn check(processed: usize, carried_out: Option<&Value>, unprocessed: &Value) {
        for batch in [Batch::Write, Batch::Get] {
            let tables = |numbers: &Value| {
                let wrapped = numbers.as_object().unwrap().iter().map(|(name, numbers)| {
                    let table = match batch {
                        Batch::Write => numbers.clone(),
                        Batch::Get => json!({ "Keys": numbers, "ConsistentRead": true }),
                    };
                    (name.clone(), table)
                });
                wrapped.collect::<Map<_, _>>()
            };
            let request = json!({ "RequestItems": tables(&json!({ "a": [1, 2], "b": [3] })) });
            let split = batch.split(request.to_string().as_bytes(), processed).unwrap();
            let part =
                split.carried_out.map(|part| serde_json::from_slice::<Value>(&part).unwrap());
            let expected = carried_out.map(|part| json!({ "RequestItems": tables(part) }));
            assert_eq!(part, expected, "{batch:?}");
            assert_eq!(split.unprocessed, tables(unprocessed), "{batch:?}");
        }
    }

    #[test]
    fn the_first_entries_are_carried_out_and_the_others_come_back() {
        check(0, None, &json!({ "a": [1, 2], "b": [3] }));
        check(1, Some(&json!({ "a": [1] })), &json!({ "a": [2], "b": [3] }));
        check(2, Some(&json!({ "a": [1, 2] })), &json!({ "b": [3] }));
        check(3, Some(&json!({ "a": [1, 2], "b": [3] })), &json!({}));
        check(9, Some(&json!({ "a": [1, 2], "b": [3] })), &json!({}));
    }

    #[test]
    fn what_is_no_batch_is_not_split() {
        for request in ["", "[]", "{}", r#"{"RequestItems":{"a":7}}"#] {
            assert_eq!(Batch::Write.split(request.as_bytes(), 1), None, "{request}");
        }
    }

    #[test]
    fn what_the_database_left_is_told_too() {
        let unprocessed = json!({ "a": [2], "b": [3] }).as_object().unwrap().clone();
        let answer = br#"{"UnprocessedItems":{"a":[1],"c":[4]},"ConsumedCapacity":[]}"#;
        let answer = Batch::Write.with_unprocessed(answer, unprocessed).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let tables = json!({ "a": [2, 1], "b": [3], "c": [4] });
        assert_eq!(answer, json!({ "UnprocessedItems": tables, "ConsumedCapacity": [] }));
    }
}
