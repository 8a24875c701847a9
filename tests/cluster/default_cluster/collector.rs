//! The OTLP receiver hangs: the prober tries a last export, and ends in time.

use std::time::Duration;

use crate::harness::otlp::{Mode, OtlpSink};
use crate::harness::shared_cluster;
use crate::support::{RunningProber, create_lane_topics};

#[test]
fn hanging_collector_does_not_delay_the_end() {
    let Some(cluster) = shared_cluster() else { return };
    create_lane_topics(&cluster);
    let sinks = [(OtlpSink::grpc(), "grpc", "east"), (OtlpSink::http(), "http/protobuf", "west")];
    let mut probing = sinks.each_ref().map(|(sink, protocol, vantage)| {
        sink.set_mode(Mode::Hung);
        let env = [("OTEL_EXPORTER_OTLP_PROTOCOL", *protocol)];
        RunningProber::start(&cluster.bootstrap(), Some(sink), &["--vantage", vantage], &env)
    });
    for one in &probing {
        one.wait_good(&[1, 2, 3]);
    }
    for one in &mut probing {
        let exit = one.stop();
        assert!(Duration::from_secs(1) < exit.elapsed, "it did not try a last export: {exit:?}");
    }
}
