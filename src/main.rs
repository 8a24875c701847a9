//! The `kafka-prober` program; everything is in the library.

fn main() -> std::process::ExitCode {
    kafka_prober::cli::main()
}
