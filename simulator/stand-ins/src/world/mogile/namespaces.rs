//! Domains, and the classes within them.

use std::collections::BTreeMap;

use super::ids::{ClassId, Dmid};

/// The tables `domain` and `class`.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    domains: BTreeMap<Dmid, String>,
    classes: BTreeMap<(Dmid, ClassId), Class>,
}

/// A class, as the table `class` has it beside its two numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// How many devices are to hold each of its files.
    pub mindevcount: u8,
}

/// The class that every domain has without a row.
const DEFAULT_CLASS: (ClassId, &str) = (ClassId(0), "default");

/// The `mindevcount` of a class of which nothing else is said (MogileFS-Server 2.73, `Config.pm`:
/// `default_mindevcount`, and `Store.pm`: `create_class`).
const MINDEVCOUNT: u8 = 2;

impl Namespaces {
    pub(super) const fn of(
        domains: BTreeMap<Dmid, String>,
        classes: BTreeMap<(Dmid, ClassId), Class>,
    ) -> Self {
        Self { domains, classes }
    }

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
        self.classes
            .insert((dmid, class), Class { name: name.to_owned(), mindevcount: MINDEVCOUNT });
        class
    }

    /// The default class has a row from then on, as in the real tracker's database.
    pub(super) fn set_mindevcount(&mut self, dmid: Dmid, class: ClassId, mindevcount: u8) {
        if class == DEFAULT_CLASS.0 {
            let default = || Class { name: DEFAULT_CLASS.1.to_owned(), mindevcount };
            self.classes.entry((dmid, class)).or_insert_with(default);
        }
        if let Some(class) = self.classes.get_mut(&(dmid, class)) {
            class.mindevcount = mindevcount;
        }
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

    pub(super) fn class_rows(&self) -> Vec<(Dmid, ClassId, Class)> {
        let classes = self.classes.iter();
        classes.map(|((dmid, id), class)| (*dmid, *id, class.clone())).collect()
    }

    pub(super) fn domain_name(&self, dmid: Dmid) -> Option<&str> {
        self.domains.get(&dmid).map(String::as_str)
    }

    /// The class of that name, but for the default class: the tracker takes its id, 0, for none
    /// when a client names it.
    pub(super) fn named_class_id(&self, dmid: Dmid, name: &str) -> Option<ClassId> {
        let of_domain = (dmid, ClassId(1))..=(dmid, ClassId(u8::MAX));
        let mut classes = self.classes.range(of_domain);
        classes.find(|(_, class)| class.name == name).map(|((_, id), _)| *id)
    }

    /// The classes of a domain, the default class first, then in the order of their numbers.
    pub(super) fn classes(&self, dmid: Dmid) -> Vec<(ClassId, Class)> {
        let of_domain = (dmid, ClassId(0))..=(dmid, ClassId(u8::MAX));
        let rows = self.classes.range(of_domain).map(|((_, id), class)| (*id, class.clone()));
        let (id, name) = DEFAULT_CLASS;
        let mut all =
            BTreeMap::from([(id, Class { name: name.to_owned(), mindevcount: MINDEVCOUNT })]);
        all.extend(rows);
        all.into_iter().collect()
    }

    /// The class of that name, the default class too.
    pub(super) fn class_id(&self, dmid: Dmid, name: &str) -> Option<ClassId> {
        let is_default = name == DEFAULT_CLASS.1;
        self.named_class_id(dmid, name).or(is_default.then_some(DEFAULT_CLASS.0))
    }

    pub(super) fn class_name(&self, dmid: Dmid, class: ClassId) -> Option<&str> {
        match self.classes.get(&(dmid, class)) {
            Some(class) => Some(&class.name),
            None => (class == DEFAULT_CLASS.0).then_some(DEFAULT_CLASS.1),
        }
    }
}
