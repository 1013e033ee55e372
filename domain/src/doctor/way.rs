use crate::migrate::RoutePolicy;

/// How the content of a file comes to its final key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By a COPY of its intermediary.
    Copy,
    /// From MogileFS.
    Mogile,
    /// By none that the route allows.
    Neither,
}

/// The way of a file. Where no bucket was listed (`intermediary` is [`None`]), the slower way that the
/// route allows is assumed. One COPY takes no file that is written in parts.
pub(super) fn way(route: RoutePolicy, intermediary: Option<bool>, in_parts: bool) -> Way {
    match (route, intermediary) {
        (RoutePolicy::Auto | RoutePolicy::Copy, Some(true)) | (RoutePolicy::Copy, None)
            if !in_parts =>
        {
            Way::Copy
        }
        (RoutePolicy::Copy, _) => Way::Neither,
        (RoutePolicy::Auto | RoutePolicy::Mogile, _) => Way::Mogile,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By intermediary: not listed, absent, there, there and too large for one COPY. `c` by copy, `m` from
    /// MogileFS, `-` neither.
    #[test]
    fn a_file_comes_by_a_way_that_its_route_allows() {
        for (route, ways) in [
            (RoutePolicy::Auto, "mmcm"),
            (RoutePolicy::Copy, "c-c-"),
            (RoutePolicy::Mogile, "mmmm"),
        ] {
            let seen =
                [(None, false), (Some(false), false), (Some(true), false), (Some(true), true)];
            let found =
                seen.map(|(intermediary, in_parts)| match way(route, intermediary, in_parts) {
                    Way::Copy => 'c',
                    Way::Mogile => 'm',
                    Way::Neither => '-',
                });
            assert_eq!(found.iter().collect::<String>(), ways, "{route:?}");
        }
    }
}
