//! Reads what `rhino.yaml` says of contentrepo.

use domain::cutover::client_config::RhinoConfig;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

/// The key of a mapping whose pairs are taken where the mapping has none of its own (YAML 1.1, "merge").
const MERGE: &str = "<<";

/// Reads a document. Errors where it is no YAML, or says nothing of contentrepo.
pub fn parse(text: &str) -> Result<RhinoConfig, String> {
    let text = text.trim_start_matches('\u{feff}');
    let documents = Yaml::load_from_str(text).map_err(|error| format!("it is no YAML: {error}"))?;
    let [document] = documents.as_slice() else {
        return Err(format!("it has {} YAML documents, and rhino reads one", documents.len()));
    };
    let document = plain(document);
    let config = document.get("contentRepo").and_then(|_| RhinoConfig::of(&document));
    config.ok_or_else(|| {
        "it is neither a context.xml nor a rhino.yaml: it has no `contentRepo`".to_owned()
    })
}

/// As JSON, with merged mappings in their places. What is no text, number, truth or null becomes a text that
/// is no bucket's name.
fn plain(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(scalar) => match scalar {
            Scalar::String(text) => Value::String(text.to_string()),
            Scalar::Null => Value::Null,
            Scalar::Boolean(is) => Value::Bool(*is),
            Scalar::Integer(number) => Value::from(*number),
            Scalar::FloatingPoint(number) => Value::from(number.into_inner()),
        },
        Yaml::Sequence(all) => Value::Array(all.iter().map(plain).collect()),
        Yaml::Mapping(all) => {
            let mut pairs = Map::new();
            for (key, value) in all {
                let (Value::String(key), value) = (plain(key), plain(value)) else { continue };
                if key == MERGE {
                    merge(&mut pairs, value);
                } else {
                    pairs.insert(key, value);
                }
            }
            Value::Object(pairs)
        }
        Yaml::Tagged(_, inner) => plain(inner),
        Yaml::Representation(text, ..) => Value::String(text.to_string()),
        Yaml::Alias(_) | Yaml::BadValue => Value::Bool(false),
    }
}

/// Own pairs win, whatever their order is: those that come behind replace these.
fn merge(pairs: &mut Map<String, Value>, from: Value) {
    match from {
        Value::Object(others) => {
            for (key, value) in others {
                pairs.entry(key).or_insert(value);
            }
        }
        Value::Array(all) => all.into_iter().for_each(|one| merge(pairs, one)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
