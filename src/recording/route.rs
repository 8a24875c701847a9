//! `GET /api/v1/recording?cluster=NAME`: the newest minutes of a cluster's diagnosis as lines of JSON, compressed with gzip. The
//! cluster need not be given if there is only one.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prober_core::ids::ClusterName;
use tokio::sync::Mutex;

use super::file;
use crate::engine::Inputs;

/// The path that the web server lists.
const PATH: &str = "/api/v1/recording";

/// Media type of the lines.
const JSON_LINES: &str = "application/x-ndjson";

#[derive(Clone)]
struct Source {
    inputs: Inputs,
    clusters: Arc<[ClusterName]>,
    /// Held while a recording is compressed, which takes memory and up to some seconds of a processor: one at a time.
    turn: Arc<Mutex<()>>,
}

/// The route, over the recorders of these clusters.
pub fn route(inputs: Inputs, clusters: Arc<[ClusterName]>, is_recording: bool) -> Router {
    if !is_recording {
        let off = (StatusCode::NOT_FOUND, "this prober does not record: recorder.enabled is false\n");
        return Router::new().route(PATH, get(async move || off));
    }
    let source = Source { inputs, clusters, turn: Arc::default() };
    Router::new().route(PATH, get(recording)).with_state(source)
}

async fn recording(State(source): State<Source>, RawQuery(query): RawQuery) -> Response {
    let cluster = match cluster(&source.clusters, query.as_deref().unwrap_or_default()) {
        Ok(cluster) => cluster.clone(),
        Err(refusal) => return refusal.into_response(),
    };
    let _turn = source.turn.lock().await;
    let Some(recording) = source.inputs.recording(cluster).await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the prober is starting, busy or stopping; ask again\n")
            .into_response();
    };
    let compressed = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        file::write(&recording, &mut bytes).map(|()| bytes)
    });
    match compressed.await {
        Ok(Ok(bytes)) => {
            let headers = [(header::CONTENT_TYPE, JSON_LINES), (header::CONTENT_ENCODING, "gzip")];
            (headers, bytes).into_response()
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "the recording could not be written\n").into_response(),
    }
}

/// The cluster that a query asks for.
fn cluster<'a>(clusters: &'a [ClusterName], query: &str) -> Result<&'a ClusterName, (StatusCode, String)> {
    let names = || clusters.iter().map(ClusterName::as_str).collect::<Vec<_>>().join(", ");
    // Names of clusters have no character that has to be escaped.
    let asked = query.split('&').find_map(|part| part.strip_prefix("cluster="));
    match (asked, clusters) {
        (Some(name), _) => clusters
            .iter()
            .find(|cluster| cluster.as_str() == name)
            .ok_or_else(|| (StatusCode::NOT_FOUND, format!("no such cluster; this prober has {}\n", names()))),
        (None, [only]) => Ok(only),
        (None, _) => Err((StatusCode::BAD_REQUEST, format!("which cluster? Add ?cluster= and one of {}\n", names()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(clusters: &[&str], query: &str) -> Result<String, StatusCode> {
        let clusters: Vec<ClusterName> = clusters.iter().map(|name| ClusterName::new(name)).collect();
        cluster(&clusters, query).map(ToString::to_string).map_err(|(status, _)| status)
    }

    #[test]
    fn cluster_is_asked_for_by_its_name() {
        assert_eq!(asked(&["a", "b.c"], "cluster=b.c"), Ok("b.c".to_owned()));
        assert_eq!(asked(&["a", "b"], "cluster=c"), Err(StatusCode::NOT_FOUND));
        assert_eq!(asked(&["a", "b"], ""), Err(StatusCode::BAD_REQUEST));
    }

    #[test]
    fn only_cluster_need_not_be_named() {
        assert_eq!(asked(&["a"], ""), Ok("a".to_owned()));
        assert_eq!(asked(&["a"], "cluster=b"), Err(StatusCode::NOT_FOUND));
    }
}
