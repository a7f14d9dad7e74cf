//! The passwords that devices get from us: random, shown once, and stored as RabbitMQ stores them.
//!
//! The hash is `base64(salt ‖ SHA-256(salt ‖ password))` with four bytes of salt, which RabbitMQ calls
//! `rabbit_password_hashing_sha256` (<https://www.rabbitmq.com/docs/passwords>): one hash for the edge and the cluster.
//! 256 random bits need no slow hash.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

/// Bytes of salt.
const SALT: usize = 4;

/// A password with 256 random bits, of 43 characters that no shell and no URL has to quote.
#[must_use]
pub fn new_device_password() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// The hash of a password that [`new_device_password`] has made.
#[must_use]
pub fn hash_device_password(password: &str) -> String {
    let salt: [u8; SALT] = rand::random();
    STANDARD.encode([&salt[..], &salted(&salt, password.as_bytes())].concat())
}

/// Whether this is the password of a hash. An empty hash, of whoever has a certificate, has none.
#[must_use]
pub fn is_device_password(hash: &str, password: &[u8]) -> bool {
    let Ok(stored) = STANDARD.decode(hash) else { return false };
    let Some((salt, stored)) = stored.split_at_checked(SALT) else { return false };
    // All bytes are looked at, so that the time says nothing of how many are right.
    let differences = stored.iter().zip(salted(salt, password)).fold(0, |all, (a, b)| all | (a ^ b));
    stored.len() == SHA256_OUTPUT_LEN && differences == 0
}

fn salted(salt: &[u8], password: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
    let hash = digest(&SHA256, &[salt, password].concat());
    hash.as_ref().try_into().expect("a SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_alone() {
        let (one, other) = (new_device_password(), new_device_password());
        let hash = hash_device_password(&one);
        assert_eq!(one.len(), 43);
        assert!(is_device_password(&hash, one.as_bytes()));
        assert_ne!(hash, hash_device_password(&one), "the salt is another");
        for wrong in [other.as_str(), "", &one[1..]] {
            assert!(!is_device_password(&hash, wrong.as_bytes()), "{wrong}");
        }
        for hash in ["", "AAAA", "no base64", "AAAAAA=="] {
            assert!(!is_device_password(hash, b""), "{hash}");
        }
    }

    #[test]
    fn a_hash_is_the_one_of_rabbitmq() {
        // The example of https://www.rabbitmq.com/docs/passwords#computing-password-hash.
        assert!(is_device_password("kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR", b"test12"));
    }
}
