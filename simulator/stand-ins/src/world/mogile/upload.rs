//! How a file comes in: `create_open` burns a fid and offers devices, the client puts the bytes
//! there, `create_close` makes it the key's file.

use super::file_table::FileRow;
use super::ids::{ClassId, DeviceId, Fid};
use super::refusal::Refusal;
use super::{MogileFs, State, Upload};

/// The arguments of `create_open`.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenFile<'a> {
    /// The domain's name.
    pub domain: &'a str,
    /// The key, which nothing checks here.
    pub key: &'a str,
    /// The class's name; empty for the default class.
    pub class: &'a str,
    /// A fid of the client's choice.
    pub fid: Option<Fid>,
    /// Offer up to three devices instead of one.
    pub multi_dest: bool,
}

/// The answer of `create_open`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedFile {
    /// The new file's fid.
    pub fid: Fid,
    /// Where its bytes may be put; at least one.
    pub destinations: Vec<Destination>,
}

/// A place for a new file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The device.
    pub device: DeviceId,
    /// The URL to PUT to.
    pub path: String,
}

/// The arguments of `create_close`.
#[derive(Debug, Clone, Copy, Default)]
pub struct CloseFile<'a> {
    /// The domain's name.
    pub domain: &'a str,
    /// The key; an empty one gives the upload up.
    pub key: &'a str,
    /// The fid that `create_open` gave.
    pub fid: Fid,
    /// The device that the bytes were put on.
    pub device: DeviceId,
    /// The URL that they were put to.
    pub path: &'a str,
    /// Their size; none (or 0) is not checked.
    pub size: Option<u64>,
}

const DESTINATIONS: usize = 3;

impl MogileFs {
    /// `create_open`. The fid is spent even when the upload never ends.
    pub fn create_open(&self, request: OpenFile<'_>) -> Result<OpenedFile, Refusal> {
        self.state(|state| state.open(request))
    }

    /// `create_close`: the file becomes the key's, under its new fid; the former one of that key
    /// is deleted. A refusal after the temporary row was found gives the upload up.
    pub fn create_close(&self, request: CloseFile<'_>) -> Result<(), Refusal> {
        self.state(|state| state.close(request))
    }
}

impl State {
    fn open(&mut self, request: OpenFile<'_>) -> Result<OpenedFile, Refusal> {
        let dmid = self.domain(request.domain)?;
        let classid = match request.class {
            "" => ClassId(0),
            name => {
                let class = self.namespaces.named_class_id(dmid, name);
                class.ok_or(Refusal::UnregisteredClass)?
            }
        };
        let wanted = if request.multi_dest { DESTINATIONS } else { 1 };
        let next = request.fid.unwrap_or(Fid(self.last_fid.0.saturating_add(1)));
        let devids = self.topology.destinations(next, wanted);
        if devids.is_empty() {
            return Err(Refusal::NoDevices);
        }
        let fid = match request.fid {
            Some(fid) if self.is_taken(fid) => return Err(Refusal::FidInUse),
            Some(fid) => {
                self.note_fid(fid);
                fid
            }
            None => self.next_fid(),
        };
        let places = devids.iter().filter_map(|device| {
            Some(Destination { device: *device, path: self.topology.url(*device, fid)? })
        });
        let destinations = places.collect();
        let dkey = request.key.to_owned();
        self.uploads.insert(fid, Upload { fid, dmid, dkey, classid, devids });
        Ok(OpenedFile { fid, destinations })
    }

    fn is_taken(&self, fid: Fid) -> bool {
        self.uploads.contains_key(&fid) || self.files.row(fid).is_some()
    }

    fn close(&mut self, request: CloseFile<'_>) -> Result<(), Refusal> {
        let CloseFile { domain, key, fid, device, path, size: _ } = request;
        let dmid = self.domain(domain)?;
        if fid == Fid(0) {
            return Err(Refusal::NoFid);
        }
        if device == DeviceId(0) {
            return Err(Refusal::NoDevice);
        }
        if path.is_empty() {
            return Err(Refusal::NoPath);
        }
        if self.topology.url(device, fid).as_deref() != Some(path) {
            return Err(Refusal::BogusArguments);
        }
        let upload = self.uploads.remove(&fid).ok_or(Refusal::NoTempFile)?;
        let length = match self.check_upload(&upload, &request) {
            Ok(length) => length,
            Err(refusal) => {
                self.to_delete.insert(fid);
                return Err(refusal);
            }
        };
        if key.is_empty() {
            self.to_delete.insert(fid);
            return Ok(());
        }
        if let Some(former) = self.files.row_by_key(dmid, key) {
            let former = former.fid;
            self.delete_file(former);
        }
        self.files.replace(FileRow {
            fid,
            dmid,
            dkey: Some(key.to_owned()),
            length: Some(length),
            classid: upload.classid,
            devids: vec![device],
        });
        Ok(())
    }

    /// Whether the bytes are where they were to be, and as many as the client says; gives their
    /// number. An upload without a key is given up unlooked at.
    fn check_upload(&self, upload: &Upload, request: &CloseFile<'_>) -> Result<u64, Refusal> {
        if !upload.devids.contains(&request.device) {
            let offered = upload.devids.clone();
            return Err(Refusal::InvalidDestination { given: request.device, offered });
        }
        if request.key.is_empty() {
            return Ok(0);
        }
        let path = request.path.to_owned();
        let expected = request.size.filter(|size| *size > 0);
        let Some(replica) = self.replicas.get(&(request.fid, request.device)) else {
            return Err(Refusal::SizeVerifyError { expected, path });
        };
        let actual = replica.length();
        match expected {
            Some(expected) if expected != actual => {
                Err(Refusal::SizeMismatch { expected, actual, path })
            }
            _ => Ok(actual),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::{Content, DeviceStatus, Dmid};
    use super::*;

    const DOMAIN: &str = "plos_repo";

    fn mogile() -> MogileFs {
        let mogile = MogileFs::default();
        mogile.add_domain(DOMAIN);
        for last in [1, 2] {
            mogile.add_device(mogile.add_host(Ipv4Addr::new(127, 0, 0, last).into(), 7500));
        }
        mogile
    }

    fn open(mogile: &MogileFs, key: &str) -> (Fid, Destination) {
        let request = OpenFile { domain: DOMAIN, key, ..OpenFile::default() };
        let opened = mogile.create_open(request).unwrap();
        assert_eq!(opened.destinations.len(), 1);
        (opened.fid, opened.destinations[0].clone())
    }

    fn close(
        mogile: &MogileFs,
        key: &str,
        (fid, place): &(Fid, Destination),
        size: u64,
    ) -> Result<(), Refusal> {
        mogile.create_close(CloseFile {
            domain: DOMAIN,
            key,
            fid: *fid,
            device: place.device,
            path: &place.path,
            size: Some(size),
        })
    }

    #[test]
    fn a_closed_upload_is_the_keys_file_under_a_new_fid() {
        let mogile = mogile();
        let former = mogile.store(Dmid(1), "K", &Content::from("old"), &[DeviceId(1)]);
        let upload = open(&mogile, "k");
        assert_eq!(upload.0, Fid(former.0 + 1));
        assert_eq!(mogile.uploads().len(), 1);
        mogile.set_replica(upload.0, upload.1.device, Content::from("newer"));
        assert_eq!(close(&mogile, "k", &upload, 5), Ok(()));
        assert!(mogile.row(former).is_none() && mogile.uploads().is_empty());
        let row = mogile.row(upload.0).unwrap();
        assert_eq!((row.length, row.devids), (Some(5), vec![upload.1.device]));
        assert_eq!(close(&mogile, "k", &upload, 5), Err(Refusal::NoTempFile));
    }

    #[test]
    fn every_open_burns_a_fid() {
        let mogile = mogile();
        let fids = [open(&mogile, "a").0, open(&mogile, "a").0];
        let stored = mogile.store(Dmid(1), "b", &Content::from("b"), &[DeviceId(1)]);
        assert_eq!((fids, stored), ([Fid(1), Fid(2)], Fid(3)));
    }

    #[test]
    fn a_chosen_fid_must_be_free_and_moves_the_counter() {
        let mogile = mogile();
        let request = OpenFile { domain: DOMAIN, fid: Some(Fid(7)), ..OpenFile::default() };
        assert_eq!(mogile.create_open(request).unwrap().fid, Fid(7));
        assert_eq!(mogile.create_open(request), Err(Refusal::FidInUse));
        assert_eq!(open(&mogile, "k").0, Fid(8));
    }

    #[test]
    fn a_bad_upload_is_refused_and_given_up() {
        let mogile = mogile();
        let missing = open(&mogile, "k");
        let path = missing.1.path.clone();
        let refusal = Refusal::SizeVerifyError { expected: Some(11), path };
        assert_eq!(close(&mogile, "k", &missing, 11), Err(refusal));
        assert_eq!(close(&mogile, "k", &missing, 11), Err(Refusal::NoTempFile));

        let short = open(&mogile, "k");
        mogile.set_replica(short.0, short.1.device, Content::from("hello world"));
        let path = short.1.path.clone();
        let refusal = Refusal::SizeMismatch { expected: 12, actual: 11, path };
        assert_eq!(close(&mogile, "k", &short, 12), Err(refusal));
        assert!(mogile.row(short.0).is_none());
        mogile.run_delete_worker();
        assert!(mogile.replica(short.0, short.1.device).is_none());
    }

    #[test]
    fn an_upload_can_be_given_up_and_a_wrong_place_is_refused() {
        let mogile = mogile();
        let upload = open(&mogile, "k");
        let elsewhere =
            (upload.0, Destination { path: "http://x/".to_owned(), ..upload.1.clone() });
        assert_eq!(close(&mogile, "k", &elsewhere, 0), Err(Refusal::BogusArguments));
        assert_eq!(close(&mogile, "", &upload, 0), Ok(()));
        assert!(mogile.row(upload.0).is_none() && mogile.uploads().is_empty());

        let upload = open(&mogile, "k");
        let device = DeviceId(3 - upload.1.device.0);
        let path = mogile.url(upload.0, device).unwrap();
        let other = (upload.0, Destination { device, path });
        let refusal = close(&mogile, "k", &other, 0).unwrap_err();
        assert_eq!(refusal.code(), "invalid_destdev");
    }

    #[test]
    fn without_a_living_device_no_fid_is_burnt() {
        let mogile = mogile();
        mogile.set_device_status(DeviceId(1), DeviceStatus::Readonly);
        mogile.set_device_status(DeviceId(2), DeviceStatus::Drain);
        let request = OpenFile { domain: DOMAIN, key: "k", ..OpenFile::default() };
        assert_eq!(mogile.create_open(request), Err(Refusal::NoDevices));
        mogile.set_device_status(DeviceId(2), DeviceStatus::Alive);
        assert_eq!(open(&mogile, "k").0, Fid(1));
    }
}
