//! Tokens that give access: random, shown once, stored as a hash.

/// A token with 256 random bits, in hexadecimal.
pub(crate) fn token() -> String {
    let bytes: [u8; 32] = rand::random();
    hexadecimal(&bytes)
}

/// A name with 64 random bits, which gives no access.
pub(crate) fn id() -> String {
    let bytes: [u8; 8] = rand::random();
    hexadecimal(&bytes)
}

/// What a program sends: `mk_ID_SECRET`.
pub(crate) fn key(id: &str, secret: &str) -> String {
    format!("mk_{id}_{secret}")
}

/// The id and the secret of a key.
pub(crate) fn parts(key: &str) -> Option<(&str, &str)> {
    key.strip_prefix("mk_")?.split_once('_')
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back() {
        let (id, secret) = (id(), token());
        assert_eq!((id.len(), secret.len()), (16, 64));
        assert_eq!(parts(&key(&id, &secret)), Some((&*id, &*secret)));
        for wrong in ["", "mk_", "mk_abc", "abc_def", "Mk_a_b"] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
