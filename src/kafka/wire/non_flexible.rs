//! Checks the lengths of a response in the older, non-flexible encoding before the codec library trusts them (see `codec`).
//!
//! In that encoding lengths are plain integers like any other field, so the whole message has to be walked. Fetch below v12
//! is the only such response: librdkafka's mock cluster must be limited to v11, because it does not survive newer versions
//! while a partition has no leader.

/// Walks a Fetch response of v4 to v11; `None` if a length exceeds the bytes.
pub(super) fn fetch_answer_fits(answer: &[u8], version: i16) -> Option<()> {
    let mut rest = Rest(answer);
    let throttle = 4;
    let session = if version >= 7 { 2 + 4 } else { 0 };
    rest.skip(throttle + session)?;
    for _ in 0..rest.count()? {
        let name = rest.short()?;
        rest.skip(name)?;
        for _ in 0..rest.count()? {
            fetch_partition_fits(&mut rest, version)?;
        }
    }
    Some(())
}

fn fetch_partition_fits(rest: &mut Rest<'_>, version: i16) -> Option<()> {
    let index_error_and_watermarks = 4 + 2 + 8 + 8;
    let log_start = if version >= 5 { 8 } else { 0 };
    rest.skip(index_error_and_watermarks + log_start)?;
    let aborted = rest.count()?;
    rest.skip(aborted.checked_mul(8 + 8)?)?;
    let preferred_replica = if version >= 11 { 4 } else { 0 };
    rest.skip(preferred_replica)?;
    let records = rest.count()?;
    rest.skip(records)
}

/// The bytes that are left to walk.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }

    /// A 32-bit length; −1, which stands for null, is 0.
    fn count(&mut self) -> Option<usize> {
        let (length, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        length_of(i64::from(i32::from_be_bytes(*length)))
    }

    /// A 16-bit length, as [`Rest::count`].
    fn short(&mut self) -> Option<usize> {
        let (length, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        length_of(i64::from(i16::from_be_bytes(*length)))
    }
}

fn length_of(value: i64) -> Option<usize> {
    if value == -1 { Some(0) } else { usize::try_from(value).ok() }
}
