//! FNV-1a: a hash that is the same on every machine and in every release, so that it may be stored.

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The 64-bit FNV-1a hash of the bytes.
///
/// Not for input that an attacker chooses: collisions are easy to find. Source:
/// <https://datatracker.ietf.org/doc/draft-eastlake-fnv/>.
///
/// ```
/// assert_eq!(telemetry::fnv1a_64("foobar".bytes()), 0x85944171f73967e8);
/// ```
pub fn fnv1a_64(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
    bytes.into_iter().fold(OFFSET_BASIS, mix)
}

/// The 64-bit FNV-1a hash of the parts, each followed by a zero byte, so that `["ab", "c"]` differs from
/// `["a", "bc"]`.
pub fn fnv1a_64_of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    fnv1a_64(parts.into_iter().flat_map(|part| part.iter().copied().chain([0])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(fnv1a_64([]), OFFSET_BASIS);
        assert_eq!(fnv1a_64(*b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a_64_of_parts([b"".as_slice()]), 0xaf63_bd4c_8601_b7df);
        assert_eq!(fnv1a_64_of_parts([b"foobar".as_slice()]), 0x3453_1ca7_168b_8f38);
        assert_ne!(fnv1a_64_of_parts([b"ab".as_slice(), b"c"]), fnv1a_64_of_parts([b"a".as_slice(), b"bc"]));
    }
}
