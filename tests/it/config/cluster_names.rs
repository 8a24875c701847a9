//! Clusters are named as operators name them, and variables reach them as far as variables can.

use kafka_prober::config::{Origin, Sources};

use super::{data, env, files, loaded, names, refused, reloaded, servers};

/// `Prod-EU.1` and `prod_us`, each with a server.
fn sources(vars: &[(&str, &str)]) -> Sources {
    let mut sources = files(&["cluster-names.toml"]);
    sources.env.extend(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    sources
}

#[test]
fn name_may_have_capitals_dots_and_dashes_and_is_printed_so_that_it_loads_again() {
    let loaded = loaded(&sources(&[]));
    assert_eq!(names(&loaded.config.clusters), ["Prod-EU.1", "prod_us"]);
    assert_eq!(loaded.origins["clusters.\"Prod-EU.1\".bootstrap"], Origin::File(data("cluster-names.toml")));
    let print = loaded.to_toml(true);
    let table =
        "[clusters.\"Prod-EU.1\"]\nbootstrap = [\"eu:9092\"]  # from tests/it/testdata/config/cluster-names.toml\n";
    assert!(print.contains(table), "{print}");
    assert_eq!(reloaded(&loaded).config, loaded.config);
}

#[test]
fn variable_finds_the_cluster_of_a_file_that_is_spelled_alike() {
    for name in ["PROD_EU_1", "prod_eu_1", "Prod-EU.1"] {
        let loaded = loaded(&sources(&[(&format!("KAFKA_PROBER__CLUSTERS__{name}__BOOTSTRAP"), "other:9092")]));
        assert_eq!(servers(&loaded, "Prod-EU.1"), ["other:9092"], "{name}");
        assert_eq!(names(&loaded.config.clusters), ["Prod-EU.1", "prod_us"]);
    }
    let new = loaded(&sources(&[("KAFKA_PROBER__CLUSTERS__PROD_ASIA__BOOTSTRAP", "asia:9092")]));
    assert_eq!(names(&new.config.clusters), ["Prod-EU.1", "prod_asia", "prod_us"]);
}

#[test]
fn variable_that_can_mean_two_clusters_is_refused_and_one_that_is_spelled_exactly_is_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("alike.toml");
    let write = |other: &str| {
        let clusters = ["Prod-EU", other].map(|name| format!("[clusters.{name}]\nbootstrap = [\"a:1\"]\n"));
        std::fs::write(&path, clusters.concat()).expect("it is ours");
        let mut sources = env(&[("KAFKA_PROBER__CLUSTERS__PROD_EU__BOOTSTRAP", "b:2")]);
        sources.files.push(path.clone());
        sources
    };
    assert_eq!(
        refused(&write("PROD-EU")),
        "KAFKA_PROBER__CLUSTERS__PROD_EU__BOOTSTRAP: can mean cluster PROD-EU and cluster Prod-EU; set it in a file"
    );
    let exact = loaded(&write("prod_eu"));
    assert_eq!((servers(&exact, "prod_eu"), servers(&exact, "Prod-EU")), (vec!["b:2".into()], vec!["a:1".into()]));
}
