//! contentrepo's `context.xml`.

use std::collections::BTreeMap;

use super::{ACCESS_KEY_HERE, ConfigChecked, ConfigState, SECRET_KEY_HERE};
use crate::ports::S3_STORE_CLASS;

/// The name by which contentrepo looks its store up.
const STORE: &str = "repo/objectStore";

/// What Tomcat makes of one choice of store: the type, and the factory that makes it.
const MOGILE: (&str, &str) =
    ("org.plos.repo.service.ObjectStore", "org.plos.repo.config.MogileStoreFactory");
pub(super) const S3: (&str, &str) = (S3_STORE_CLASS, "org.plos.repo.config.S3StoreFactory");

/// Where Tomcat looks for the resources of one application: directly in the root of its file. An element
/// elsewhere belongs to the server, or to a `Context` of another path.
const OF_APPLICATION: &str = "Context";

/// What temporary keys begin with. contentrepo has no setting for the session token that they need.
pub const TEMPORARY_KEY: &str = "ASIA";

/// What a context has that concerns stores. Comments are not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextDocument {
    /// The elements `Resource`, in their order.
    pub resources: Vec<ResourceElement>,
    /// The elements `ResourceLink`.
    pub links: Vec<ResourceElement>,
    /// What it includes from elsewhere, as it is written there.
    pub includes: Vec<String>,
}

/// An element `Resource` or `ResourceLink`: its attributes with entities resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceElement {
    /// The elements around it, from the root, such as `Server/GlobalNamingResources`.
    pub parents: String,
    /// The values by their names.
    pub attributes: BTreeMap<String, String>,
}

impl ResourceElement {
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    fn is_of_application(&self) -> bool {
        self.parents == OF_APPLICATION
    }
}

/// Whether this context gives contentrepo the S3 store. Other resources, other attributes and their order do
/// not matter. No value of a key is repeated in what was seen.
///
/// Only an element directly in the root `Context` counts. A store at another place leaves it open which one
/// contentrepo gets, so it is never [`ConfigState::Done`].
#[must_use]
pub fn check_context(document: &ContextDocument) -> ConfigChecked {
    let of_name = |all: &[ResourceElement]| -> (Vec<ResourceElement>, Vec<ResourceElement>) {
        all.iter()
            .filter(|it| it.get("name") == STORE)
            .cloned()
            .partition(ResourceElement::is_of_application)
    };
    let (stores, others) = of_name(&document.resources);
    let (links, other_links) = of_name(&document.links);
    let mut checked = match (stores.as_slice(), links.is_empty()) {
        ([], true) if others.is_empty() && other_links.is_empty() => nowhere(),
        ([], true) => ConfigChecked::new(ConfigState::Unseen, Vec::new()),
        ([], false) => linked(),
        ([store], true) => check_store(store),
        ([_], false) => ConfigChecked::one(
            ConfigState::Wrong,
            format!(
                "it has both a `<Resource>` and a `<ResourceLink>` of the name `{STORE}`: keep one of them"
            ),
        ),
        (all, _) => return several(all.len()),
    };
    checked.seen.extend(others.iter().map(|it| elsewhere(it, "Resource")));
    checked.seen.extend(other_links.iter().map(|it| elsewhere(it, "ResourceLink")));
    checked.seen.extend(document.includes.iter().map(|include| {
        format!(
            "it includes `{include}`, which was not read and may have a store of its own: give the merged file, \
             or ask the running contentrepo with --check-url"
        )
    }));
    // What is wrong, or still MogileFS, is so with every include and beside every other store.
    let is_open = !document.includes.is_empty() || !others.is_empty() || !other_links.is_empty();
    let has_own = !stores.is_empty() && checked.state != ConfigState::Done;
    if is_open && !has_own {
        checked.state = ConfigState::Unseen;
    }
    checked
}

fn several(count: usize) -> ConfigChecked {
    let text = format!(
        "it has {count} elements `<Resource name=\"{STORE}\">`, and Tomcat takes one of them: keep the one for S3 \
         and remove the others"
    );
    ConfigChecked::one(ConfigState::Wrong, text)
}

fn nowhere() -> ConfigChecked {
    let text = format!(
        "it has no element `<Resource name=\"{STORE}\">`: contentrepo takes its store from another file, or does \
         not start. Give the file that Tomcat reads"
    );
    ConfigChecked::one(ConfigState::Wrong, text)
}

fn linked() -> ConfigChecked {
    let text = format!(
        "a `<ResourceLink name=\"{STORE}\">` takes the store from the GlobalNamingResources of server.xml, and no \
         file shows that both belong together: ask the running contentrepo with --check-url"
    );
    ConfigChecked::one(ConfigState::Unseen, text)
}

/// What is said of a store that may be another application's.
fn elsewhere(element: &ResourceElement, name: &str) -> String {
    let ResourceElement { parents, .. } = element;
    let has = match (name, element.get("type")) {
        ("Resource", of_type) if of_type == S3.0 => " of the S3 store",
        ("Resource", of_type) if of_type == MOGILE.0 => " of the MogileFS store",
        (_, _) => "",
    };
    let whose = if parents.ends_with("GlobalNamingResources") {
        "contentrepo gets it only by a `<ResourceLink>` in its own context"
    } else {
        "Tomcat gives it to contentrepo only where that place is contentrepo's own context"
    };
    format!(
        "the element `{parents}/{name}`{has} is not directly in a root `<Context>`, and {whose}: ask the running \
         contentrepo with --check-url"
    )
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
