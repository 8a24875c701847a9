//! The layers, lowest first: defaults, `OTEL_*`, files, our own variables, flags.

use std::collections::{BTreeMap, BTreeSet};

use ::config::FileFormat;

use super::settings::{self, Settings};
use super::sources::{Flags, PREFIX, Sources, is_ours};
use super::{ConfigError, DEFAULTS, Origin, file, keys, otel, types};

/// What all layers say together.
pub(crate) fn merge(sources: &Sources) -> Result<Settings, ConfigError> {
    let mut settings = Settings::default();
    let defaults = file::parse(DEFAULTS, FileFormat::Toml).expect("the embedded file is valid, as tests load it");
    settings.set(&[], defaults.into(), &Origin::Default)?;
    otel::set(&mut settings, &sources.env)?;
    for path in &sources.files {
        settings.set(&[], file::read(path)?.into(), &Origin::File(path.clone()))?;
    }
    set_variables(&mut settings, &sources.env)?;
    set_flags(&mut settings, &sources.flags)?;
    settings.complete_clusters();
    if let (Some(name), None) = (&sources.flags.cluster, &sources.flags.bootstrap) {
        settings.select_cluster(name)?;
    }
    Ok(settings)
}

/// The variables named `KAFKA_PROBER__SECTION__KEY`, in any case.
fn set_variables(settings: &mut Settings, env: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    let clusters = settings.clusters();
    let mut set_by = BTreeMap::new();
    for (variable, text) in env.iter().filter(|(name, _)| is_ours(name)) {
        let refused = |problem: String| ConfigError::at(&Origin::Variable(variable.clone()), problem);
        let name = variable.to_ascii_lowercase();
        let mut path: Vec<&str> = name[PREFIX.len()..].split("__").collect();
        if keys::default_of(&path).is_none_or(types::is_section) {
            let nearest = format!("{PREFIX}{}", keys::nearest(&path, true).join("__")).to_ascii_uppercase();
            return Err(refused(format!("unknown variable; the nearest known one is {nearest}")));
        }
        if let ["clusters", name, ..] = &mut path[..] {
            *name = cluster_of(name, &clusters).map_err(refused)?;
        }
        if let Some(other) = set_by.insert(path.join("__"), variable) {
            return Err(refused(format!("this key is also set by {other}; keep one of the two")));
        }
        settings.set_text(&path, text, &Origin::Variable(variable.clone()))?;
    }
    Ok(())
}

/// The cluster that a variable means: variables have neither case nor `.` and `-`, so that `PROD_EU` is also `Prod-EU`,
/// if there is one. A name that is nobody's is a new cluster's.
fn cluster_of<'a>(name: &'a str, clusters: &'a BTreeSet<String>) -> Result<&'a str, String> {
    let folded = |name: &str| name.to_ascii_lowercase().replace(['.', '-'], "_");
    let alike: Vec<_> = clusters.iter().filter(|cluster| folded(cluster) == folded(name)).collect();
    match &alike[..] {
        _ if clusters.contains(name) => Ok(name),
        [] => Ok(name),
        [cluster] => Ok(cluster),
        [one, other, ..] => Err(format!("can mean cluster {one} and cluster {other}; set it in a file")),
    }
}

/// The command line.
fn set_flags(settings: &mut Settings, flags: &Flags) -> Result<(), ConfigError> {
    let cluster = flags.cluster.as_deref().unwrap_or("default");
    if flags.bootstrap.is_some() {
        settings::check_name(&["clusters", cluster], &Origin::Flag("--cluster"))?;
    }
    for (flag, path, text) in [
        ("--bootstrap-server", &["clusters", cluster, "bootstrap"][..], &flags.bootstrap),
        ("--vantage", &["vantage"], &flags.vantage),
        ("--listen", &["http", "listen"], &flags.listen),
        ("--log-level", &["log", "level"], &flags.log_level),
        ("--log-format", &["log", "format"], &flags.log_format),
    ] {
        if let Some(text) = text {
            settings.set_text(path, text, &Origin::Flag(flag))?;
        }
    }
    Ok(())
}
