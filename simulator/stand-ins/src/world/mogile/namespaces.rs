//! Domains, and the classes within them.

use std::collections::BTreeMap;

use super::ids::{ClassId, Dmid};

/// The tables `domain` and `class`.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    domains: BTreeMap<Dmid, String>,
    classes: BTreeMap<(Dmid, ClassId), String>,
}

/// The class that every domain has without a row.
const DEFAULT_CLASS: (ClassId, &str) = (ClassId(0), "default");

impl Namespaces {
    pub(super) fn add_domain(&mut self, namespace: &str) -> Dmid {
        let last = self.domains.keys().next_back().map_or(0, |dmid| dmid.0);
        let dmid = Dmid(last.saturating_add(1));
        self.domains.insert(dmid, namespace.to_owned());
        dmid
    }

    pub(super) fn add_class(&mut self, dmid: Dmid, name: &str) -> ClassId {
        let of_domain = (dmid, ClassId(0))..=(dmid, ClassId(u8::MAX));
        let last = self.classes.range(of_domain).next_back().map_or(0, |((_, class), _)| class.0);
        let class = ClassId(last.saturating_add(1));
        self.classes.insert((dmid, class), name.to_owned());
        class
    }

    pub(super) fn domain_id(&self, namespace: &str) -> Option<Dmid> {
        self.domains.iter().find(|(_, name)| *name == namespace).map(|(dmid, _)| *dmid)
    }

    pub(super) fn domain_names(&self) -> Vec<String> {
        self.domains.values().cloned().collect()
    }

    pub(super) fn domain_rows(&self) -> Vec<(Dmid, String)> {
        self.domains.iter().map(|(dmid, name)| (*dmid, name.clone())).collect()
    }

    pub(super) fn class_rows(&self) -> Vec<(Dmid, ClassId, String)> {
        let classes = self.classes.iter();
        classes.map(|((dmid, class), name)| (*dmid, *class, name.clone())).collect()
    }

    pub(super) fn domain_name(&self, dmid: Dmid) -> Option<&str> {
        self.domains.get(&dmid).map(String::as_str)
    }

    /// The class of that name, but for the default class: the tracker takes its id, 0, for none
    /// when a client names it.
    pub(super) fn named_class_id(&self, dmid: Dmid, name: &str) -> Option<ClassId> {
        let of_domain = (dmid, ClassId(0))..=(dmid, ClassId(u8::MAX));
        let mut classes = self.classes.range(of_domain);
        classes.find(|(_, class)| *class == name).map(|((_, class), _)| *class)
    }

    /// The classes of a domain that were made, in the order of their numbers.
    pub(super) fn class_names(&self, dmid: Dmid) -> Vec<String> {
        let of_domain = (dmid, ClassId(0))..=(dmid, ClassId(u8::MAX));
        self.classes.range(of_domain).map(|(_, class)| class.clone()).collect()
    }

    /// The class of that name, the default class too.
    pub(super) fn class_id(&self, dmid: Dmid, name: &str) -> Option<ClassId> {
        let is_default = name == DEFAULT_CLASS.1;
        self.named_class_id(dmid, name).or(is_default.then_some(DEFAULT_CLASS.0))
    }

    pub(super) fn class_name(&self, dmid: Dmid, class: ClassId) -> Option<&str> {
        match self.classes.get(&(dmid, class)) {
            Some(name) => Some(name),
            None => (class == DEFAULT_CLASS.0).then_some(DEFAULT_CLASS.1),
        }
    }
}
