//! Rules that neither the compiler nor clippy checks: which folder may use which library, the project's language, the style of
//! modules, and that no file is left over.

mod language;
mod reach;
mod sources;

use std::os::unix::fs::PermissionsExt;

use prober_core::finding::FindingKind;

use sources::{Source, places, root, rust, text};

/// The folders with Rust in them.
const RUST: [&str; 5] = ["src/", "core/", "probes/", "tests/", "benches/"];

/// Longest file; a longer one has more than one idea.
const LINES_MAX: usize = 600;

#[track_caller]
fn assert_none(found: &[String], claim: &str) {
    assert!(found.is_empty(), "{claim}:\n{}", found.join("\n"));
}

fn outside<'a>(sources: &'a [Source], folder: &'a str) -> impl Iterator<Item = &'a Source> {
    sources.iter().filter(move |source| !source.path.starts_with(folder))
}

fn inside<'a>(sources: &'a [Source], folder: &'a str) -> impl Iterator<Item = &'a Source> {
    sources.iter().filter(move |source| source.path.starts_with(folder))
}

// Who may use what.

#[test]
fn rdkafka_is_used_in_kafka_only() {
    // The bench compares the client lane with its own librdkafka clients.
    let sources = rust(&RUST);
    let others = outside(&sources, "src/kafka/").filter(|source| source.path != "benches/cluster/baseline_client.rs");
    let found = places(others, &["rdkafka::", "use rdkafka"]);
    assert_none(&found, "librdkafka stays behind the ports of src/kafka");
}

#[test]
fn kafka_codecs_are_used_in_the_wire_only() {
    // The bench compares the wire with its own socket loop.
    let sources = rust(&RUST);
    let product = outside(&sources, "src/kafka/wire/").filter(|source| !source.path.starts_with("benches/"));
    let found = places(product, &["kafka_protocol"]);
    assert_none(&found, "the codecs stay in src/kafka/wire");
}

#[test]
fn kafka_exporters_and_web_do_not_use_each_other() {
    let sources = rust(&["src/"]);
    for (folder, others) in [
        ("src/kafka/", ["crate::exporters", "crate::web"]),
        ("src/exporters/", ["crate::kafka", "crate::web"]),
        ("src/web/", ["crate::kafka", "crate::exporters"]),
    ] {
        assert_none(&places(inside(&sources, folder), &others), "only src/app uses all of them");
    }
}

#[test]
fn core_depends_on_no_runtime_and_probes_on_no_kafka_library() {
    // The clippy.toml of each package holds what of std it may use.
    assert_eq!(dependencies("core/Cargo.toml"), ["hdrhistogram", "serde"]);
    assert!(dependencies("probes/Cargo.toml").iter().all(|name| !name.contains("kafka")));
}

/// The names under `[dependencies]` of a manifest.
fn dependencies(manifest: &str) -> Vec<String> {
    let text = text(manifest);
    let section = text.lines().skip_while(|line| *line != "[dependencies]").skip(1);
    let names = section.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once(['.', ' ', '=']));
    names.map(|(name, _)| name.to_owned()).filter(|name| !name.starts_with('#')).collect()
}

// Nothing is unused.

#[test]
fn every_rust_file_is_compiled() {
    let sources = rust(&RUST);
    let roots = reach::roots(&sources);
    let reached = reach::reached(&sources, &roots);
    let orphans: Vec<String> =
        sources.iter().map(|source| source.path.clone()).filter(|path| !reached.contains(path)).collect();
    assert_none(&orphans, "no mod declaration leads to");
    let binary = ["src/lib.rs", "src/kafka/wire/mod.rs", "tests/it/tidy/reach.rs", "tests/harness/prober/mod.rs"];
    assert!(
        binary.iter().all(|path| reached.contains(*path)),
        "the walk over mod declarations finds too little: {reached:?}"
    );
}

#[test]
fn modules_with_children_are_in_mod_rs() {
    let sources = rust(&RUST);
    let has_folder = |source: &&Source| {
        let folder = source.path.trim_end_matches(".rs");
        sources.iter().any(|other| other.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    };
    let found: Vec<String> = sources.iter().filter(has_folder).map(|source| source.path.clone()).collect();
    assert_none(&found, "git mv foo.rs foo/mod.rs: one style in the whole repository");
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let of_tools = ["Cargo.lock", "LICENSE"];
    let sources = sources::all();
    let lengths = sources.iter().map(|source| (source.path.as_str(), source.text.lines().count()));
    let found: Vec<String> = lengths
        .filter(|(path, lines)| LINES_MAX < *lines && !of_tools.contains(path))
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert_none(&found, "split it");
}

#[test]
fn nothing_is_left_for_later() {
    // In two parts, so that this file does not find itself.
    let words = [("TO", "DO"), ("FIX", "ME"), ("XX", "X "), ("todo", "!("), ("unimplemented", "!("), ("#[ign", "ore")];
    let words = words.map(|(first, second)| format!("{first}{second}"));
    let mut found = Vec::new();
    for source in sources::all().iter().filter(|source| source.path != "Cargo.lock") {
        let lines = source.text.lines().enumerate();
        let left = lines.filter(|(_, line)| words.iter().any(|word| line.contains(word.as_str())));
        found.extend(left.map(|(at, line)| format!("{}:{}: {}", source.path, at + 1, line.trim())));
    }
    assert_none(&found, "do it now, or write it down where users look");
}

// Entry points of people and pipelines.

#[test]
fn dockerfile_has_a_placeholder_for_every_target() {
    let dockerfile = text("Dockerfile");
    let sources = rust(&RUST);
    let roots = reach::roots(&sources);
    assert!(5 < roots.len(), "{roots:?}");
    for root in roots {
        assert!(dockerfile.contains(&root), "cargo wants {root} to exist");
    }
}

#[test]
fn dockerfile_copies_every_embedded_file() {
    let dockerfile = text("Dockerfile");
    let copied: Vec<&str> =
        dockerfile.lines().filter_map(|line| line.strip_prefix("COPY ")?.split(' ').next()).collect();
    let mut embedded = 0;
    for source in rust(&["src/", "core/src/", "probes/src/"]) {
        for path in source.text.split("include_str!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            let path = reach::relative_to(&source.path, path);
            assert!(copied.iter().any(|from| path.starts_with(from)), "{} embeds {path}: COPY it", source.path);
            embedded += 1;
        }
    }
    assert!(0 < embedded, "config/default.toml is embedded");
}

#[test]
fn every_finding_has_a_complete_section_in_the_runbook() {
    let runbook = text("docs/runbook.md");
    for kind in FindingKind::ALL {
        let page = runbook.split("\n## ").find(|page| page.lines().next() == Some(kind.as_str()));
        let page = page.unwrap_or_else(|| panic!("docs/runbook.md has no section {}", kind.as_str()));
        for part in ["**Means:**", "**Confirm:**", "**Do:**", "**Do not:**"] {
            assert!(page.contains(part), "{}: {part}", kind.as_str());
        }
    }
    let pages = runbook.split("\n## ").filter(|page| page.contains("**Means:**"));
    for heading in pages.filter_map(|page| page.lines().next()) {
        assert!(FindingKind::ALL.iter().any(|kind| kind.as_str() == heading), "no finding is called {heading}");
    }
}

#[test]
fn readme_names_the_two_commands() {
    let readme = text("README.md");
    for script in ["script/demo", "script/test"] {
        assert!(readme.contains(script), "README.md does not name {script}");
        assert_executable(script);
    }
}

#[test]
fn pipeline_runs_script_test() {
    assert_executable(".ci/run");
    let run = text(".ci/run");
    let is_command = |line: &&str| {
        let before = ["#", "set ", "cd "];
        !line.is_empty() && before.iter().all(|word| !line.starts_with(word))
    };
    let commands: Vec<&str> = run.lines().map(str::trim).filter(is_command).collect();
    let words = commands.iter().flat_map(|line| line.split(' ')).filter(|word| *word != "exec" && !word.contains('='));
    assert_eq!(words.collect::<Vec<_>>(), ["script/test"], "whatever .ci/run does, script/test does");
}

#[track_caller]
fn assert_executable(path: &str) {
    let mode = root().join(path).metadata().unwrap_or_else(|error| panic!("{path}: {error}")).permissions().mode();
    assert_ne!(mode & 0o111, 0, "{path} is not executable");
}
