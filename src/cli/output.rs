//! Writes the answer of a subcommand to stdout.

use std::io::{self, ErrorKind, Write};

/// Writes text to stdout. A reader that has closed its end of the pipe is not an error: the exit
/// code still holds. `print!` would panic there.
#[expect(clippy::print_stderr, reason = "the sentence goes to the person")]
pub(super) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("error: cannot write to stdout: {error}");
    }
}
