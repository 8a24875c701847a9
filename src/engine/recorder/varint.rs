//! Numbers in as few bytes as they need: seven bits a byte, least significant first, as in Kafka's records and protobuf (LEB128).

/// Appends a number.
pub(super) fn put(into: &mut Vec<u8>, mut number: u64) {
    while 0x7f < number {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

/// Appends a signed number: small ones of either sign are short.
pub(super) fn put_signed(into: &mut Vec<u8>, number: i64) {
    put(into, (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
}

/// Takes a number off the front; `None` if there is none.
pub(super) fn take(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes a signed number off the front.
pub(super) fn take_signed(from: &mut &[u8]) -> Option<i64> {
    take(from).map(|number| (number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_taken_as_they_were_put(number: u64, signed: i64) {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            put_signed(&mut bytes, signed);
            let mut rest = bytes.as_slice();
            prop_assert_eq!((take(&mut rest), take_signed(&mut rest)), (Some(number), Some(signed)));
            prop_assert!(rest.is_empty());
        }
    }

    #[test]
    fn small_numbers_take_one_byte() {
        let mut bytes = Vec::new();
        put(&mut bytes, 127);
        put_signed(&mut bytes, -64);
        assert_eq!(bytes.len(), 2);
        assert_eq!(take(&mut [0x80].as_slice()), None, "cut off");
    }
}
