//! Files with fewer replicas than their storage class asks for.

use stand_ins::fault::{Fault, Rule, Service};
use stand_ins::world::mogile::{ClassId, Fid, FileRow};

use super::clean;
use crate::cli::{mogile2s3, text};

/// They have a replica, and fewer than their class asks for. Both indexes say the same of them.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_replicated_enough_are_planned() {
    let stage = clean(60).await;
    let (mogile, dmid) = (&stage.world.mogile, stage.world.dmid);
    let rare = mogile.add_class(dmid, "rare");
    mogile.set_mindevcount(dmid, rare, 3);
    let mut fids = Vec::new();
    for (file, classid, replicas) in
        [(&stage.planted.expected[0], rare, 2), (&stage.planted.expected[1], ClassId(0), 1)]
    {
        let row = mogile.row(Fid(file.fid)).expect("it is planted");
        let devids = row.devids[..replicas].to_vec();
        mogile.plant(FileRow { classid, devids, ..row });
        fids.push(file.fid);
    }
    fids.sort_unstable();
    let [first, second] = fids[..] else { panic!("two files: {fids:?}") };
    let named = format!(
        "  2 with fewer replicas than the mindevcount of their class: fids {first}, {second}\n"
    );
    let unread = "THAN THE MINDEVCOUNT OF THEIR CLASS ARE NOT COUNTED: the index at `";
    let refusal = |code: &str| Fault::Refuse { status: 1142, code: code.to_owned() };
    let denied = Rule::once(Service::Mysql, "SELECT class", "", refusal("denied"));
    // The first answer says whether there is such a domain.
    let odd = Rule { skip: 1, ..Rule::once(Service::Tracker, "get_domains", "", refusal("odd")) };
    for (url, rule, why) in [
        (None, denied, "grant SELECT on the tables `class`, `domain`, `file` and `host`"),
        (Some(""), odd, "odd"),
    ] {
        let mut environment = stage.world.environment().clone();
        environment.extend(url.map(|url| ("MOGILE_DATABASE_URL", url.to_owned())));
        let said = async || {
            let output = mogile2s3(&environment, &["plan"]).await;
            let said = text(&output.stdout) + &text(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{said}");
            said
        };
        let planned = said().await;
        assert!(planned.contains(&named) && !planned.contains(unread), "{planned}");

        stage.world.faults.add(Rule { times: Rule::ALWAYS, ..rule });
        let planned = said().await;
        assert!(!planned.contains("with fewer replicas than"), "{planned}");
        for words in [unread, why, "What it costs by the prices of"] {
            assert!(planned.contains(words), "{words}: {planned}");
        }
        stage.world.faults.clear();
    }
}
