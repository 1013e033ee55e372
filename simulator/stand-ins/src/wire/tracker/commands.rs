//! The tracker's commands: from a request's arguments to the state and back to a reply.

use super::admin;
use super::line::{Arguments, Reply, Request};
use crate::world::mogile::{
    CloseFile, DeviceId, Fid, MogileFs, OpenFile, OpenedFile, PathOptions, Refusal,
};

/// The commands that we answer, admin commands included.
const NAMES: [&str; 20] = [
    "get_domains",
    "get_hosts",
    "get_devices",
    "file_debug",
    "updateclass",
    "server_settings",
    "sleep",
    "clear_cache",
    "replicate_now",
    "edit_file",
    "get_paths",
    "file_info",
    "list_fids",
    "list_keys",
    "create_open",
    "create_close",
    "rename",
    "delete",
    "noop",
    "!version",
];

/// The name that a request is counted under; one name for all that we do not know, so that a
/// client's garbage does not grow the counts.
pub(super) fn operation(request: &Request) -> &'static str {
    NAMES.into_iter().find(|name| *name == request.command).unwrap_or("unknown")
}

/// Carries a request out.
pub(super) fn answer(mogile: &MogileFs, request: &Request) -> Reply {
    let arguments = &request.arguments;
    let answered = match request.command.as_str() {
        _ if !arguments.keys_fit() => Err(Refusal::Failure),
        "get_domains" => Ok(admin::get_domains(mogile)),
        "get_hosts" => Ok(admin::get_hosts(mogile)),
        "get_devices" => Ok(admin::get_devices(mogile)),
        "file_debug" => admin::file_debug(mogile, arguments),
        "updateclass" => admin::updateclass(mogile, arguments),
        "server_settings" => Ok(admin::server_settings()),
        "replicate_now" => Ok(vec![pair("count", &0)]),
        "edit_file" => Err(Refusal::Failure),
        "get_paths" => get_paths(mogile, arguments),
        "file_info" => file_info(mogile, arguments),
        "list_fids" => list_fids(mogile, arguments),
        "list_keys" => list_keys(mogile, arguments),
        "create_open" => create_open(mogile, arguments),
        "create_close" => create_close(mogile, arguments),
        "rename" => rename(mogile, arguments),
        "delete" => delete(mogile, arguments),
        "noop" | "sleep" | "clear_cache" => Ok(Vec::new()),
        "!version" => return Reply::Admin(&["2.73"]),
        command if command.starts_with('!') => {
            return Reply::Admin(&["Mogilefsd admin commands:", "", "  !version  Server version"]);
        }
        _ => Err(Refusal::UnknownCommand),
    };
    match answered {
        Ok(pairs) => Reply::Ok(pairs),
        Err(refusal) => Reply::Err { code: refusal.code().to_owned(), text: refusal.text() },
    }
}

pub(super) type Answer = Result<Vec<(String, String)>, Refusal>;

pub(super) fn pair(name: impl Into<String>, value: &impl ToString) -> (String, String) {
    (name.into(), value.to_string())
}

/// NULL on the wire.
pub(super) fn or_empty(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn get_paths(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    let options = PathOptions {
        noverify: arguments.is_true("noverify"),
        pathcount: usize::try_from(arguments.count("pathcount")).unwrap_or(usize::MAX),
    };
    let paths = mogile.get_paths(arguments.text("domain"), arguments.text("key"), options)?;
    let mut pairs = vec![pair("paths", &paths.len())];
    pairs.extend((1..).zip(paths).map(|(n, path)| pair(format!("path{n}"), &path)));
    Ok(pairs)
}

fn file_info(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    let key = arguments.text("key");
    let info = mogile.file_info(arguments.text("domain"), key)?;
    let mut pairs = vec![
        pair("fid", &info.fid),
        pair("domain", &info.domain),
        pair("class", &info.class),
        pair("key", &key),
        pair("length", &or_empty(info.length)),
        pair("devcount", &info.devids.len()),
    ];
    if arguments.is_true("devices") {
        let devids: Vec<String> = info.devids.iter().map(ToString::to_string).collect();
        pairs.push(pair("devids", &devids.join(",")));
    }
    Ok(pairs)
}

fn list_fids(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    let files = mogile.list_fids(Fid(arguments.count("from")), arguments.number("to"))?;
    let mut pairs = vec![pair("fid_count", &files.len())];
    for (n, file) in (1..).zip(files) {
        pairs.extend([
            pair(format!("fid_{n}_fid"), &file.fid),
            pair(format!("fid_{n}_domain"), &file.domain),
            pair(format!("fid_{n}_class"), &file.class),
            pair(format!("fid_{n}_key"), &or_empty(file.key)),
            pair(format!("fid_{n}_length"), &or_empty(file.length)),
            pair(format!("fid_{n}_devcount"), &file.devcount),
        ]);
    }
    Ok(pairs)
}

fn list_keys(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    // Perl takes `x` for true and for 0; a fraction is a syntax error of its SQL.
    match arguments.text("limit") {
        limit if limit.contains('.') => return Err(Refusal::Failure),
        "" | "0" => {}
        _ if arguments.number("limit") == 0 => return Err(Refusal::NoneMatch),
        _ => {}
    }
    let keys = mogile.list_keys(
        arguments.text("domain"),
        arguments.text("prefix"),
        arguments.text("after"),
        arguments.number("limit"),
    )?;
    // The tracker takes the greatest byte by byte, whatever the database's order is.
    let next_after = or_empty(keys.iter().max());
    let mut pairs = vec![pair("key_count", &keys.len()), pair("next_after", &next_after)];
    pairs.extend((1..).zip(keys).map(|(n, key)| pair(format!("key_{n}"), &key)));
    Ok(pairs)
}

fn create_open(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    let multi_dest = arguments.is_true("multi_dest");
    admin::has_room(arguments.count("size"))?;
    if arguments.is_true("fid") && arguments.number("fid") == 0 {
        return Err(Refusal::Database);
    }
    let OpenedFile { fid, destinations } = mogile.create_open(OpenFile {
        domain: arguments.text("domain"),
        key: arguments.text("key"),
        class: arguments.text("class"),
        fid: Some(Fid(arguments.count("fid"))).filter(|fid| *fid != Fid(0)),
        multi_dest,
    })?;
    let mut pairs = vec![pair("fid", &fid)];
    if multi_dest {
        pairs.push(pair("dev_count", &destinations.len()));
    }
    for (n, place) in (1..).zip(destinations) {
        let number = if multi_dest { format!("_{n}") } else { String::new() };
        pairs.push(pair(format!("devid{number}"), &place.device));
        pairs.push(pair(format!("path{number}"), &place.path));
    }
    Ok(pairs)
}

fn create_close(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    mogile.create_close(CloseFile {
        domain: arguments.text("domain"),
        key: arguments.text("key"),
        fid: Fid(arguments.count("fid")),
        // A number beyond any device's is no device.
        device: DeviceId(u32::try_from(arguments.count("devid")).unwrap_or(u32::MAX)),
        path: arguments.text("path"),
        size: Some(arguments.count("size")).filter(|size| *size > 0),
    })?;
    Ok(Vec::new())
}

fn rename(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    let (from, to) = (arguments.text("from_key"), arguments.text("to_key"));
    mogile.rename(arguments.text("domain"), from, to)?;
    Ok(Vec::new())
}

fn delete(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    mogile.delete(arguments.text("domain"), arguments.text("key"))?;
    Ok(Vec::new())
}
