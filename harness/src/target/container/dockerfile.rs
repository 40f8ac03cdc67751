//! The images that a Dockerfile begins with.

/// What has to be in the engine or in a registry: no stage of the same file, and nothing that an ARG decides.
pub(super) fn bases(dockerfile: &str) -> Vec<&str> {
    let mut stages = Vec::new();
    let mut bases = Vec::new();
    for line in dockerfile.lines() {
        let mut words = line.split_ascii_whitespace();
        if !words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("from"))
        {
            continue;
        }
        let mut words = words.skip_while(|word| word.starts_with("--"));
        let Some(base) = words.next() else { continue };
        let is_stage = stages.contains(&base.to_ascii_lowercase());
        if !is_stage && base != "scratch" && !base.contains('$') {
            bases.push(base);
        }
        if words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("as"))
        {
            stages.extend(words.next().map(str::to_ascii_lowercase));
        }
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_and_arguments_are_no_images() {
        let dockerfile = "ARG V=1\nFROM --platform=linux/amd64 rust:1 AS Build\nRUN x\nfrom debian:$V\n\
                          FROM scratch\nFROM build as again\nFROM again\nFROM alpine\nFROM\n# FROM x\n";
        assert_eq!(bases(dockerfile), ["rust:1", "alpine"]);
    }
}
