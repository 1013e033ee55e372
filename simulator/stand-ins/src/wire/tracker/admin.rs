//! The tracker's commands for administrators.

use super::commands::{Answer, or_empty, pair};
use super::line::Arguments;
use crate::world::mogile::{DeviceRow, DeviceStatus, Fid, MogileFs, Refusal};

/// What each device has room for, in megabytes, as recorded.
const MB_TOTAL: u32 = 93_052;
const MB_USED: u32 = 20_362;

/// Every domain with its classes.
pub(super) fn get_domains(mogile: &MogileFs) -> Vec<(String, String)> {
    let domains = mogile.domain_names();
    let mut pairs = vec![pair("domains", &domains.len())];
    for (n, name) in (1..).zip(domains) {
        let classes = mogile.classes(&name);
        pairs.push(pair(format!("domain{n}"), &name));
        pairs.push(pair(format!("domain{n}classes"), &classes.len()));
        for (m, (_, class)) in (1..).zip(classes) {
            let of_class = |field: &str| format!("domain{n}class{m}{field}");
            pairs.extend([
                pair(of_class("name"), &class.name),
                pair(of_class("mindevcount"), &class.mindevcount),
                pair(of_class("replpolicy"), &"MultipleHosts()"),
                pair(of_class("hashtype"), &"NONE"),
            ]);
        }
    }
    pairs
}

pub(super) fn get_hosts(mogile: &MogileFs) -> Vec<(String, String)> {
    let hosts = mogile.listed_host_rows();
    let mut pairs = vec![pair("hosts", &hosts.len())];
    for (n, (host, address)) in (1..).zip(hosts) {
        let of_host = |field: &str| format!("host{n}_{field}");
        pairs.extend([
            pair(of_host("hostid"), &host),
            pair(of_host("status"), &"alive"),
            pair(of_host("hostname"), &format!("store{host}")),
            pair(of_host("hostip"), &address.ip()),
            pair(of_host("http_port"), &address.port()),
            pair(of_host("http_get_port"), &""),
            pair(of_host("altip"), &""),
            pair(of_host("altmask"), &""),
        ]);
    }
    pairs
}

pub(super) fn get_devices(mogile: &MogileFs) -> Vec<(String, String)> {
    let devices = mogile.device_rows();
    let mut pairs = vec![pair("devices", &devices.len())];
    for (n, DeviceRow { device, host, status }) in (1..).zip(devices) {
        let of_device = |field: &str| format!("dev{n}_{field}");
        let (status, observed) = match status {
            DeviceStatus::Alive => ("alive", "writeable"),
            DeviceStatus::Readonly => ("readonly", "readable"),
            DeviceStatus::Drain => ("drain", "writeable"),
            DeviceStatus::Down => ("down", "unreachable"),
            DeviceStatus::Dead => ("dead", "unreachable"),
        };
        pairs.extend([
            pair(of_device("devid"), &device),
            pair(of_device("hostid"), &host),
            pair(of_device("status"), &status),
            pair(of_device("weight"), &100),
            pair(of_device("observed_state"), &observed),
            pair(of_device("utilization"), &""),
            pair(of_device("mb_total"), &MB_TOTAL),
            pair(of_device("mb_used"), &MB_USED),
            pair(of_device("mb_free"), &(MB_TOTAL - MB_USED)),
            pair(of_device("mb_asof"), &""),
            pair(of_device("reject_bad_md5"), &1),
        ]);
    }
    pairs
}

pub(super) fn file_debug(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    let fid = Fid(arguments.count("fid"));
    let debug = if fid == Fid(0) {
        mogile.debug_key(arguments.text("domain"), arguments.text("key"))?
    } else {
        mogile.debug_fid(fid)?
    };
    let mut pairs = vec![pair("checksum", &"NONE")];
    if let Some((row, domain, class)) = debug.row {
        pairs.extend([
            pair("fid_fid", &row.fid),
            pair("fid_dmid", &row.dmid),
            pair("fid_dkey", &or_empty(row.dkey)),
            pair("fid_length", &or_empty(row.length)),
            pair("fid_classid", &row.classid),
            pair("fid_class", &class),
            pair("fid_devcount", &row.devids.len()),
            pair("fid_domain", &domain),
        ]);
    }
    if !debug.places.is_empty() {
        let devids: Vec<_> = debug.places.iter().map(|(device, _)| device.to_string()).collect();
        pairs.push(pair("devids", &devids.join(",")));
    }
    for (device, url) in debug.places {
        pairs.push(pair(format!("devpath_{device}"), &url));
    }
    Ok(pairs)
}

pub(super) fn updateclass(mogile: &MogileFs, arguments: &Arguments) -> Answer {
    let [domain, key, class] = ["domain", "key", "class"].map(|name| arguments.text(name));
    mogile.update_class(domain, key, class)?;
    Ok(Vec::new())
}

pub(super) fn server_settings() -> Vec<(String, String)> {
    vec![pair("key_count", &1), pair("key_1", &"schema_version"), pair("value_1", &17)]
}

/// Whether a new file of so many bytes finds room.
pub(super) fn has_room(bytes: u64) -> Result<(), Refusal> {
    let free = u64::from(MB_TOTAL - MB_USED) * 1024 * 1024;
    if bytes > free { Err(Refusal::NoDevices) } else { Ok(()) }
}
