//! The numbers MogileFS calls things by, and the path a fid has on a device.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $number);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A file's number: handed out ascending, never twice, with gaps.
    Fid(u64)
}
id! {
    /// A device (one disk of a host).
    DeviceId(u32)
}
id! {
    /// A storage host.
    HostId(u32)
}
id! {
    /// A domain.
    Dmid(u16)
}
id! {
    /// A class within a domain; 0 is its default class, which has no row.
    ClassId(u8)
}

/// The path of a fid's replica below its host's URL: `/dev1/0/000/000/0000000003.fid`. Of a fid
/// above ten digits the first seven make the directories.
#[must_use]
pub fn fid_path(device: DeviceId, fid: Fid) -> String {
    let digits = format!("{fid:0>10}", fid = fid.to_string());
    let (million, thousand) = (&digits[1..4], &digits[4..7]);
    format!("/dev{device}/{}/{million}/{thousand}/{digits}.fid", &digits[..1])
}

/// The device and fid of a path that [`fid_path`] writes; `None` for any other.
#[must_use]
pub fn parse_fid_path(path: &str) -> Option<(DeviceId, Fid)> {
    let (device, rest) = path.strip_prefix("/dev")?.split_once('/')?;
    let (_, file) = rest.rsplit_once('/')?;
    let device = DeviceId(device.parse().ok()?);
    let fid = Fid(file.strip_suffix(".fid")?.parse().ok()?);
    // One spelling a replica: no `+1`, no `dev01`, no other directory.
    (fid_path(device, fid) == path).then_some((device, fid))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_the_recorded_ones() {
        for (device, fid, path) in [
            (1, 3, "/dev1/0/000/000/0000000003.fid"),
            (2, 2003, "/dev2/0/000/002/0000002003.fid"),
            (3, 564_879_786, "/dev3/0/564/879/0564879786.fid"),
            (1, 12_345_678_901, "/dev1/1/234/567/12345678901.fid"),
        ] {
            assert_eq!(fid_path(DeviceId(device), Fid(fid)), path);
            assert_eq!(parse_fid_path(path), Some((DeviceId(device), Fid(fid))));
        }
    }

    #[test]
    fn other_paths_are_no_replicas() {
        for path in [
            "",
            "/",
            "/dev1",
            "/dev1/",
            "/devX/0/000/000/0000000003.fid",
            "/dev01/0/000/000/0000000003.fid",
            "/dev1/0/000/001/0000000003.fid",
            "/dev1/0/000/000/+000000003.fid",
            "/dev1/0/000/000/0000000003",
            "/dev1/0/000/000/99999999999999999999999.fid",
            "/dev1/0/../000/0000000003.fid",
            "/dév1/0/000/000/0000000003.fid",
        ] {
            assert_eq!(parse_fid_path(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_path_comes_back(device: u32, fid: u64) {
            let path = fid_path(DeviceId(device), Fid(fid));
            prop_assert_eq!(parse_fid_path(&path), Some((DeviceId(device), Fid(fid))));
        }
    }
}
