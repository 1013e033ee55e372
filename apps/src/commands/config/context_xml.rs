//! Reads what Tomcat's `context.xml` says of stores, without following anything that it includes.

use std::collections::BTreeMap;

use domain::cutover::client_config::{ContextDocument, ResourceElement};
use xmlparser::{ElementEnd, EntityDefinition, ExternalId, StrSpan, Token, Tokenizer};

/// The elements that a file of Tomcat begins with.
const ROOTS: [&str; 2] = ["Context", "Server"];

/// Entities that stand in each other are resolved so far: deeper ones are a loop, or a joke.
const DEPTH: u8 = 8;

/// The most characters that entities may make of one value.
const LONGEST_VALUE: usize = 64 * 1024;

/// Reads a document. Errors where it is no XML, or none of Tomcat's.
pub fn parse(text: &str) -> Result<ContextDocument, String> {
    let mut reader = Reader::default();
    for token in Tokenizer::from(text) {
        reader.take(token.map_err(|error| format!("it is no XML: {error}"))?)?;
    }
    match reader {
        Reader { open, .. } if !open.is_empty() => {
            Err(format!("it is no XML: `{}` is not closed", open.join("/")))
        }
        Reader { root: None, .. } => Err("it is no XML: it has no element".to_owned()),
        Reader { document, .. } => Ok(document),
    }
}

#[derive(Default)]
struct Reader {
    document: ContextDocument,
    root: Option<String>,
    /// The names of the elements that are open.
    open: Vec<String>,
    attributes: BTreeMap<String, String>,
    entities: BTreeMap<String, String>,
}

impl Reader {
    fn take(&mut self, token: Token<'_>) -> Result<(), String> {
        match token {
            Token::ElementStart { prefix, local, .. } => self.begin(prefix, local)?,
            Token::Attribute { prefix, local, value, .. } => {
                let (name, value) = (qualified(prefix, local), self.resolved(&value, 0)?);
                if self.attributes.insert(name.clone(), value).is_some() {
                    return Err(format!("it is no XML: an element has `{name}` twice"));
                }
            }
            Token::ElementEnd { end, .. } => self.end(end)?,
            Token::Text { text } => self.note_references(&text),
            Token::EntityDeclaration { name, definition, .. } => {
                if let EntityDefinition::EntityValue(value) = definition {
                    self.entities.insert(name.to_string(), value.to_string());
                }
            }
            Token::DtdStart { external_id, .. } | Token::EmptyDtd { external_id, .. } => {
                let of = |id| match id {
                    ExternalId::System(at) | ExternalId::Public(_, at) => at.to_string(),
                };
                self.document.includes.extend(external_id.map(of));
            }
            Token::Declaration { .. }
            | Token::ProcessingInstruction { .. }
            | Token::Comment { .. }
            | Token::DtdEnd { .. }
            | Token::Cdata { .. } => {}
        }
        Ok(())
    }

    fn begin(&mut self, prefix: StrSpan<'_>, local: StrSpan<'_>) -> Result<(), String> {
        let name = qualified(prefix, local);
        if self.root.is_none() && !ROOTS.contains(&name.as_str()) {
            return Err(format!(
                "its first element is `{name}`, and not `Context`: it is no context.xml"
            ));
        }
        self.root.get_or_insert_with(|| name.clone());
        self.open.push(name);
        Ok(())
    }

    fn end(&mut self, end: ElementEnd<'_>) -> Result<(), String> {
        let is_empty = match end {
            ElementEnd::Close(prefix, local) => {
                let name = qualified(prefix, local);
                return match self.open.pop() {
                    Some(open) if open == name => Ok(()),
                    Some(_) | None => {
                        Err(format!("it is no XML: `{name}` is closed where it is not open"))
                    }
                };
            }
            ElementEnd::Open => false,
            ElementEnd::Empty => true,
        };
        let attributes = std::mem::take(&mut self.attributes);
        let Some((name, parents)) = self.open.split_last() else { return Ok(()) };
        let parents = parents.join("/");
        match name.as_str() {
            "Resource" => self.document.resources.push(ResourceElement { parents, attributes }),
            "ResourceLink" => self.document.links.push(ResourceElement { parents, attributes }),
            "xi:include" => {
                self.document.includes.push(attributes.get("href").cloned().unwrap_or_default());
            }
            _ => {}
        }
        if is_empty {
            self.open.pop();
        }
        Ok(())
    }

    /// A reference in the content may stand for elements. Nothing is read in its place.
    fn note_references(&mut self, text: &str) {
        for reference in text.split('&').skip(1) {
            let Some((name, _)) = reference.split_once(';') else { continue };
            if !name.starts_with('#') && predefined(name).is_none() {
                self.document.includes.push(format!("&{name};"));
            }
        }
    }

    /// A value as its reader gets it.
    fn resolved(&self, raw: &str, depth: u8) -> Result<String, String> {
        let mut value = String::new();
        let mut parts = raw.split('&');
        let plain = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        value += &plain(parts.next().unwrap_or_default());
        for part in parts {
            let Some((name, rest)) = part.split_once(';') else {
                return Err("it is no XML: a value has a `&` that begins no entity".to_owned());
            };
            match (character(name), self.entities.get(name)) {
                (Some(character), _) => value.push(character),
                (None, Some(inner)) if depth < DEPTH => {
                    value += &self.resolved(inner, depth + 1)?;
                }
                (None, _) => {
                    return Err(format!("it cannot be read: a value has the entity `&{name};`"));
                }
            }
            value += &plain(rest);
            if value.len() > LONGEST_VALUE {
                return Err("it cannot be read: a value is too long".to_owned());
            }
        }
        Ok(value)
    }
}

fn qualified(prefix: StrSpan<'_>, local: StrSpan<'_>) -> String {
    match prefix.as_str() {
        "" => local.to_string(),
        prefix => format!("{prefix}:{local}"),
    }
}

fn character(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else { return predefined(name) };
    let number = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    number.ok().and_then(char::from_u32)
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
