//! The template, read and carried out as far as it can be without an account: parameters and
//! conditions are settled, references stand for themselves (`@Worker`, `@JobQueue.Arn`).

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../apps/cloudformation.yaml");

/// What an operator has to give.
pub const GIVEN: [(&str, &str); 4] = [
    ("CodeBucket", "code"),
    ("MogileTrackers", "10.0.0.1:7001"),
    ("Buckets", "a:corpus-prod,b:editorial-prod"),
    ("BucketNames", "corpus-prod,editorial-prod"),
];

/// The template with every parameter settled.
pub struct Stack {
    template: Value,
    parameters: BTreeMap<String, Value>,
}

impl Stack {
    /// With these parameters beside [`GIVEN`], and defaults for the others.
    pub fn with(given: &[(&str, &str)]) -> Self {
        let text = std::fs::read_to_string(PATH).expect("the template");
        let documents = Yaml::load_from_str(&text).expect("YAML");
        let [document] = documents.as_slice() else { panic!("one document") };
        let template = plain(document);
        let mut parameters = BTreeMap::new();
        for (name, parameter) in template["Parameters"].as_object().expect("parameters") {
            let given = GIVEN.iter().chain(given).rfind(|(given, _)| given == name);
            let is_number = parameter["Type"] == "Number";
            let value = given.map(|(_, value)| match value.parse::<u64>() {
                Ok(number) if is_number => json!(number),
                Ok(_) | Err(_) => json!(value),
            });
            let value = value.or_else(|| parameter.get("Default").cloned());
            let value = value.unwrap_or_else(|| panic!("{name} has neither value nor default"));
            let value = match parameter["Type"].as_str() {
                Some("CommaDelimitedList") => {
                    value.as_str().expect("text").split(',').map(|one| json!(one)).collect()
                }
                _ => value,
            };
            parameters.insert(name.clone(), value);
        }
        Self { template, parameters }
    }

    /// What the template says of itself.
    pub fn description(&self) -> &str {
        self.template["Description"].as_str().expect("text")
    }

    /// The declaration of a parameter.
    pub fn parameter(&self, name: &str) -> &Value {
        &self.template["Parameters"][name]
    }

    /// All declarations of parameters.
    pub fn parameters(&self) -> &Map<String, Value> {
        self.template["Parameters"].as_object().expect("parameters")
    }

    /// The resources that are made, settled.
    pub fn resources(&self) -> BTreeMap<String, Value> {
        let all = self.template["Resources"].as_object().expect("resources");
        let made = all.iter().filter(|(_, resource)| self.applies(resource));
        made.map(|(name, resource)| (name.clone(), self.settled(resource))).collect()
    }

    /// One of them.
    pub fn resource(&self, name: &str) -> Value {
        self.resources().remove(name).unwrap_or_else(|| panic!("{name} is not made"))
    }

    /// The value of an output.
    pub fn output(&self, name: &str) -> Value {
        self.settled(&self.template["Outputs"][name]["Value"])
    }

    fn applies(&self, resource: &Value) -> bool {
        resource.get("Condition").is_none_or(|name| self.condition(name.as_str().expect("a name")))
    }

    fn condition(&self, name: &str) -> bool {
        self.is_true(&self.template["Conditions"][name])
    }

    fn is_true(&self, condition: &Value) -> bool {
        let (function, arguments) = function(condition).expect("a condition's function");
        let all = || arguments.as_array().expect("a list").iter();
        match function {
            "Condition" => self.condition(arguments.as_str().expect("a name")),
            "Fn::Not" => !all().any(|one| self.is_true(one)),
            "Fn::And" => all().all(|one| self.is_true(one)),
            "Fn::Or" => all().any(|one| self.is_true(one)),
            "Fn::Equals" => {
                let texts: Vec<_> = all().map(|one| text(&self.settled(one))).collect();
                texts[0] == texts[1]
            }
            other => panic!("{other} in a condition"),
        }
    }

    fn settled(&self, value: &Value) -> Value {
        self.settle(value).expect("a value")
    }

    /// Nothing for `AWS::NoValue`.
    fn settle(&self, value: &Value) -> Option<Value> {
        if let Some((function, arguments)) = function(value) {
            return self.call(function, arguments);
        }
        Some(match value {
            Value::Array(values) => values.iter().filter_map(|one| self.settle(one)).collect(),
            Value::Object(fields) => fields
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), self.settle(field)?)))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        })
    }

    fn call(&self, function: &str, arguments: &Value) -> Option<Value> {
        let argument = |at: usize| self.settled(&arguments[at]);
        Some(match function {
            "Ref" if arguments == "AWS::NoValue" => return None,
            "Ref" => self.reference(arguments.as_str().expect("a name")),
            // The one attribute in use that is a list, as AWS orders it.
            "Fn::GetAtt" if arguments == "InterfaceToSqs.DnsEntries" => {
                let name = "vpce-1.sqs.us-east-1.vpce.amazonaws.com";
                json!([
                    format!("Z1:{name}"),
                    "Z1:vpce-1-us-east-1a.sqs.us-east-1.vpce.amazonaws.com"
                ])
            }
            "Fn::GetAtt" => json!(format!("@{}", arguments.as_str().expect("Name.Attribute"))),
            "Fn::If" => {
                let holds = self.condition(arguments[0].as_str().expect("a condition"));
                return self.settle(&arguments[if holds { 1 } else { 2 }]);
            }
            "Fn::FindInMap" => {
                let [map, first, second] = [0, 1, 2].map(|at| text(&argument(at)));
                self.template["Mappings"][map][first][second].clone()
            }
            "Fn::Join" => {
                let list = argument(1);
                let parts = list.as_array().expect("a list").iter();
                let parts: Vec<_> = parts.map(|part| part.as_str().expect("text")).collect();
                json!(parts.join(&text(&argument(0))))
            }
            "Fn::Select" => {
                let at: usize = text(&argument(0)).parse().expect("a number");
                argument(1)[at].clone()
            }
            "Fn::Split" => text(&argument(1)).split(&text(&argument(0))).collect(),
            "Fn::Sub" => json!(self.substituted(arguments)),
            other => panic!("{other} is not known here"),
        })
    }

    fn substituted(&self, arguments: &Value) -> String {
        let (text_of, own) = match arguments.as_array() {
            Some(both) => (&both[0], self.settled(&both[1])),
            None => (arguments, Value::Null),
        };
        let mut rest = text_of.as_str().expect("text");
        let mut text = String::new();
        while let Some((before, (name, after))) =
            rest.split_once("${").and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            let value = own.get(name).cloned().unwrap_or_else(|| self.reference(name));
            text += before;
            text += &self::text(&value);
            rest = after;
        }
        text + rest
    }

    fn reference(&self, name: &str) -> Value {
        if let Some(value) = self.parameters.get(name) {
            return value.clone();
        }
        match name {
            "AWS::Partition" => json!("aws"),
            "AWS::Region" => json!("us-east-1"),
            "AWS::AccountId" => json!("123456789012"),
            "AWS::URLSuffix" => json!("amazonaws.com"),
            resource if self.template["Resources"].get(resource).is_some() => {
                json!(format!("@{resource}"))
            }
            other => panic!("`{other}` is neither parameter nor resource"),
        }
    }
}

/// A value as CloudFormation compares and joins it: numbers are texts.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A function of CloudFormation and its arguments.
fn function(value: &Value) -> Option<(&str, &Value)> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    let (name, arguments) = fields.iter().next()?;
    let known = name.starts_with("Fn::") || name == "Ref";
    // A statement of a policy has a field of that name too, which is no text.
    let condition = name == "Condition" && arguments.is_string();
    (known || condition).then_some((name.as_str(), arguments))
}

/// YAML as JSON, with the functions in their long form.
fn plain(node: &Yaml) -> Value {
    match node {
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::Boolean(yes)) => json!(yes),
        Yaml::Sequence(values) => values.iter().map(plain).collect(),
        Yaml::Mapping(fields) => fields
            .iter()
            .map(|(name, field)| (name.as_str().expect("a name").to_owned(), plain(field)))
            .collect(),
        Yaml::Tagged(tag, node) => {
            let name = match tag.suffix.as_str() {
                short @ ("Ref" | "Condition") => short.to_owned(),
                other => format!("Fn::{other}"),
            };
            json!({ name: plain(node) })
        }
        other @ (Yaml::Value(_) | Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue) => {
            panic!("{other:?} has no place in a template")
        }
    }
}
