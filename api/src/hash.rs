//! FNV-1a: a hash that is the same on every machine and in every release, so that it may be stored.

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The 64-bit FNV-1a hash of the parts, each followed by a zero byte, so that `["ab", "c"]` differs from
/// `["a", "bc"]`.
///
/// Not for input that an attacker chooses: collisions are easy to find. Source:
/// <https://datatracker.ietf.org/doc/draft-eastlake-fnv/>.
pub fn fnv1a_64<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let bytes = parts.into_iter().flat_map(|part| part.iter().chain(&[0]));
    bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(fnv1a_64([]), OFFSET_BASIS);
        assert_eq!(fnv1a_64([b"".as_slice()]), 0xaf63_bd4c_8601_b7df);
        assert_eq!(fnv1a_64([b"foobar".as_slice()]), 0x3453_1ca7_168b_8f38);
        assert_ne!(fnv1a_64([b"ab".as_slice(), b"c"]), fnv1a_64([b"a".as_slice(), b"bc"]));
    }
}
