//! contentrepo's `context.xml`.

use std::collections::BTreeMap;

use super::{ACCESS_KEY_HERE, ConfigChecked, ConfigState, SECRET_KEY_HERE};

/// The name by which contentrepo looks its store up.
const STORE: &str = "repo/objectStore";

/// What Tomcat makes of one choice of store: the type, and the factory that makes it.
const MOGILE: (&str, &str) =
    ("org.plos.repo.service.ObjectStore", "org.plos.repo.config.MogileStoreFactory");
pub(super) const S3: (&str, &str) =
    ("org.plos.repo.service.S3StoreService", "org.plos.repo.config.S3StoreFactory");

/// What temporary keys begin with. contentrepo has no setting for the session token that they need.
pub const TEMPORARY_KEY: &str = "ASIA";

/// What a context has that concerns stores. Comments are not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextDocument {
    /// The elements `Resource`, in their order.
    pub resources: Vec<ResourceElement>,
    /// The names of the elements `ResourceLink`.
    pub links: Vec<String>,
    /// What it includes from elsewhere, as it is written there.
    pub includes: Vec<String>,
}

/// An element `Resource`: its attributes with entities resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceElement {
    /// The values by their names.
    pub attributes: BTreeMap<String, String>,
}

impl ResourceElement {
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// Whether this context gives contentrepo the S3 store. Other resources, other attributes and their order do
/// not matter. No value of a key is repeated in what was seen.
#[must_use]
pub fn check_context(document: &ContextDocument) -> ConfigChecked {
    use ConfigState::{Unseen, Wrong};
    let stores: Vec<_> =
        document.resources.iter().filter(|resource| resource.get("name") == STORE).collect();
    if stores.len() > 1 {
        let count = stores.len();
        let text = format!(
            "it has {count} elements `<Resource name=\"{STORE}\">`, and Tomcat takes one of them: keep the one for \
             S3 and remove the others"
        );
        return ConfigChecked::one(Wrong, text);
    }
    let is_linked = document.links.iter().any(|name| name == STORE);
    let linked = format!(
        "a `<ResourceLink name=\"{STORE}\">` takes the store from the GlobalNamingResources of server.xml: give \
         that file to --check"
    );
    let mut checked = match stores.first() {
        Some(_) if is_linked => ConfigChecked::one(
            Wrong,
            format!(
                "it has both a `<Resource>` and a `<ResourceLink>` of the name `{STORE}`: keep one of them"
            ),
        ),
        Some(store) => check_store(store),
        None if is_linked => ConfigChecked::one(Unseen, linked),
        None => ConfigChecked::one(
            Wrong,
            format!(
                "it has no element `<Resource name=\"{STORE}\">`: contentrepo takes its store from another file, \
                 or does not start. Give the file that Tomcat reads"
            ),
        ),
    };
    for include in &document.includes {
        let text = format!(
            "it includes `{include}`, which was not read and may have a store of its own: give the merged file, \
             or ask the running contentrepo with --check-url"
        );
        checked.seen.push(text);
    }
    // What is wrong, or still MogileFS, is so with every include.
    if !document.includes.is_empty() && (stores.is_empty() || checked.state == ConfigState::Done) {
        checked.state = Unseen;
    }
    checked
}

fn check_store(store: &ResourceElement) -> ConfigChecked {
    use ConfigState::{Done, NotYet, Unseen, Wrong};
    let (of_type, factory) = (store.get("type"), store.get("factory"));
    // Tomcat puts system properties in the place of these.
    if of_type.contains("${") || factory.contains("${") {
        let text = format!(
            "the type `{of_type}` or the factory `{factory}` comes from a system property: ask the running \
             contentrepo with --check-url"
        );
        return ConfigChecked::one(Unseen, text);
    }
    let (s3_type, s3_factory) = S3;
    match (of_type, factory) {
        S3 => {
            let wrong: Vec<_> =
                [("awsAccessKey", ACCESS_KEY_HERE), ("awsSecretKey", SECRET_KEY_HERE)]
                    .into_iter()
                    .filter_map(|(name, placeholder)| wrong_key(store, name, placeholder))
                    .collect();
            if wrong.is_empty() {
                ConfigChecked::one(Done, "contentrepo gets the S3 store, with static keys")
            } else {
                ConfigChecked::new(Wrong, wrong)
            }
        }
        MOGILE => ConfigChecked::one(NotYet, "contentrepo gets the MogileFS store"),
        (of_type, factory) => ConfigChecked::one(
            Wrong,
            format!(
                "the type is `{of_type}` and the factory `{factory}`: for S3 write type=\"{s3_type}\" and \
                 factory=\"{s3_factory}\""
            ),
        ),
    }
}

/// Why contentrepo cannot sign with this key, where it cannot.
fn wrong_key(store: &ResourceElement, name: &str, placeholder: &str) -> Option<String> {
    let value = store.get(name).trim();
    let why = if value.is_empty() {
        "is missing: this store takes static keys alone, and no role of the machine"
    } else if value == placeholder {
        "is still the placeholder that `config` printed: write the key"
    } else if value.starts_with(TEMPORARY_KEY) {
        "is a temporary key, which is nothing without its session token: write a key of an IAM user"
    } else {
        return None;
    };
    Some(format!("the attribute `{name}` {why}"))
}
