//! What users may be called, and where mails may go.

/// Characters of a user's name, at most.
const MAX_CHARS: usize = 64;

/// Bytes of an address for mails, at most (RFC 5321, 4.5.3.1.3).
const MAX_EMAIL_BYTES: usize = 254;

/// Checks the name of a user.
///
/// # Errors
/// Says what a name may be.
pub fn check_username(name: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    if name.is_empty() || name.len() > MAX_CHARS || !name.chars().all(is_plain) {
        return Err(format!("a username has 1 to {MAX_CHARS} of the characters A-Z a-z 0-9 _ - . @"));
    }
    Ok(())
}

/// Checks an address for mails.
///
/// # Errors
/// Says what an address looks like.
pub(crate) fn check_email(email: &str) -> Result<(), String> {
    let is_plain =
        email.len() <= MAX_EMAIL_BYTES && !email.contains(|c: char| c.is_control() || c.is_whitespace());
    let has_parts = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    if is_plain && has_parts {
        return Ok(());
    }
    Err("email must be an address such as ann@example.org".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_plain() {
        for name in ["ann", "ann@example.org", "A.b-c_9", &"x".repeat(64)] {
            assert_eq!(check_username(name), Ok(()), "{name}");
        }
        for name in ["", "a b", "a/b", "ann\u{202e}", "é", "a\0", &"x".repeat(65)] {
            assert!(check_username(name).is_err(), "{name:?}");
        }
    }
}
