//! Which files the compiler sees: a walk over `mod` declarations from the root of every crate.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::sources::Source;

/// Every path that the crates with these roots reach.
pub(super) fn reached(sources: &[Source], roots: &[String]) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<String> = roots.to_vec();
    while let Some(path) = waiting.pop() {
        let Some(source) = sources.iter().find(|source| source.path == path) else { continue };
        if reached.insert(path) {
            waiting.extend(children(source).into_iter().flatten());
        }
    }
    reached
}

/// The roots of all crates: libraries, programs, and each test and bench that a manifest names or Cargo finds itself.
pub(super) fn roots(sources: &[Source]) -> Vec<String> {
    let of_convention = |path: &str| {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        path.ends_with("src/lib.rs") || path.ends_with("src/main.rs") || folder.ends_with("benches")
    };
    let found = sources.iter().map(|source| source.path.clone()).filter(|path| of_convention(path));
    found
        .chain(
            ["tests/it/main.rs", "tests/cluster/main.rs", "tests/incidents/main.rs", "benches/cluster/main.rs"]
                .map(str::to_owned),
        )
        .collect()
}

/// For each module declared in a file, the two places where it may be.
fn children(source: &Source) -> Vec<Vec<String>> {
    let file = Path::new(&source.path);
    let folder = file.parent().unwrap_or(Path::new(""));
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let own_folder = if ["lib", "main", "mod"].contains(&stem) { folder.to_owned() } else { folder.join(stem) };
    let mut found = Vec::new();
    let mut elsewhere = None;
    for (_, line) in source.code() {
        let line = line.trim();
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            elsewhere = Some(plain(&folder.join(path)));
        } else if let Some(name) = declared(line) {
            let places = [own_folder.join(format!("{name}.rs")), own_folder.join(name).join("mod.rs")];
            found.push(elsewhere.take().map_or_else(|| places.map(|path| plain(&path)).to_vec(), |path| vec![path]));
        }
    }
    found
}

/// The name in `mod name;`, whatever its visibility.
fn declared(line: &str) -> Option<&str> {
    let declaration = line.strip_suffix(';')?;
    let (before, name) = declaration.rsplit_once("mod ")?;
    let visibility = before.trim_end();
    (visibility.is_empty() || visibility.starts_with("pub")).then_some(name)
}

/// The path that a file names, relative to the root of the repository.
pub(super) fn relative_to(file: &str, path: &str) -> String {
    plain(&Path::new(file).parent().unwrap_or(Path::new("")).join(path))
}

/// A path without `..`.
fn plain(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => _ = plain.pop(),
            other => plain.push(other),
        }
    }
    plain.to_string_lossy().into_owned()
}
