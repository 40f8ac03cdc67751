//! What somebody may have meant who mistyped a name.

/// A sentence's end that names what is near `wanted`; empty where nothing is.
pub fn did_you_mean<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> String {
    match near(wanted, names).as_slice() {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        more => format!("; did you mean one of {}?", more.join(", ")),
    }
}

/// At most three names, the nearest first: those that contain what was written, or resemble it.
fn near<'n>(wanted: &str, names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let likeness = |name: &str| match name.contains(wanted) && wanted.len() > 2 {
        true => 1.0,
        false => strsim::normalized_damerau_levenshtein(wanted, name),
    };
    let mut near: Vec<_> = names
        .map(|name| (likeness(name), name))
        .filter(|(likeness, _)| *likeness > RESEMBLES)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

const RESEMBLES: f64 = 0.6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_first() {
        let names = [
            "rfc4954-4-second-auth-503",
            "rfc4954-6-auth-235",
            "rfc5321-2.2.1-ehlo",
        ];
        let end = did_you_mean("rfc4954-4-second-auth-530", names.into_iter());
        assert_eq!(end, "; did you mean rfc4954-4-second-auth-503?");
        assert_eq!(did_you_mean("second-auth", names.into_iter()), end);
        assert_eq!(did_you_mean("xyz", names.into_iter()), "");
    }
}
