//! `docs/SETTINGS.md` has every setting with its flag, its default and the commands that take it.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Arg, Command};

use super::page::tables_of;

const PAGE: &str = include_str!("../../../docs/SETTINGS.md");

/// The Lambda function, among the commands.
const FUNCTION: &str = "Lambda";

/// A setting as the programs have it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Setting {
    flag: String,
    default: String,
    commands: BTreeSet<String>,
}

/// Every setting by its variable.
fn settings() -> BTreeMap<String, Setting> {
    let mut settings = BTreeMap::new();
    for command in apps::cli::command().get_subcommands() {
        add(&mut settings, command.get_name(), command);
    }
    add(&mut settings, FUNCTION, &apps::lambda::command());
    settings
}

fn add(settings: &mut BTreeMap<String, Setting>, name: &str, command: &Command) {
    for argument in command.get_arguments() {
        let Some(variable) = argument.get_env() else { continue };
        let variable = variable.to_str().expect("a text").to_owned();
        let setting = settings.entry(variable).or_default();
        setting.commands.insert(name.to_owned());
        // The function has variables alone.
        if name != FUNCTION || setting.flag.is_empty() {
            let long = argument.get_long().filter(|_| name != FUNCTION);
            setting.flag = long.map_or_else(|| "none".to_owned(), |long| format!("--{long}"));
        }
        let default = default(argument);
        if !setting.default.is_empty() {
            assert_eq!(setting.default, default, "{argument:?} has two defaults");
        }
        setting.default = default;
    }
    for command in command.get_subcommands() {
        add(settings, name, command);
    }
}

/// A default value; or what the help says that it is.
fn default(argument: &Arg) -> String {
    let values: Vec<_> =
        argument.get_default_values().iter().filter_map(|value| value.to_str()).collect();
    let value = values.join(",");
    if !value.is_empty() {
        return value;
    }
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let said = help.split_once("[default: ").and_then(|(_, rest)| rest.split(']').next());
    said.map_or_else(|| "none".to_owned(), |said| said.replace('`', ""))
}

#[test]
fn every_setting_has_a_row_and_every_row_is_a_setting() {
    let tables = tables_of(PAGE);
    let table = tables.iter().find(|table| table.columns[0] == "variable").expect("a table");
    let plain = |cell: &str| cell.replace('`', "");
    let rows: BTreeMap<_, _> = table
        .rows
        .iter()
        .map(|row| {
            let commands = plain(table.cell(row, "commands"));
            let setting = Setting {
                flag: plain(table.cell(row, "flag")),
                default: plain(table.cell(row, "default")),
                commands: commands.split(", ").map(str::to_owned).collect(),
            };
            (plain(table.cell(row, "variable")), setting)
        })
        .collect();
    assert_eq!(rows.len(), table.rows.len(), "each variable has one row");
    assert_eq!(rows, settings());
    for row in &table.rows {
        assert!(table.cell(row, "what it is").len() > 10, "{row:?}");
    }
}
