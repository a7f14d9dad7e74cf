//! The end of the audit, signed, to be kept elsewhere: a checkpoint in a signed note, as C2SP describes both
//! (tlog-checkpoint, signed-note). The body is three lines: the origin, the number of the last record, and its hash in
//! Base64; then an empty line and the signature by Ed25519.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use store::Head;

/// The first line of each checkpoint, and the name of the key.
const ORIGIN: &str = "millrace-audit";

/// The algorithm in a key's id: Ed25519.
const ALGORITHM: u8 = 1;

/// Bytes of a file with a key, at most.
const MAX_KEY_BYTES: u64 = 1024;

/// The key that signs ends of the audit. It is a file: who can change the database cannot sign.
pub struct HeadKey(Ed25519KeyPair);

impl HeadKey {
    /// Reads the key, which is made where there is none.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds no key.
    pub fn read_or_make(path: &Path) -> Result<Self> {
        let problem = || format!("the audit's key {}", path.display());
        if !path.exists() {
            make(path).with_context(problem)?;
        }
        let length = std::fs::metadata(path).with_context(problem)?.len();
        ensure!(length <= MAX_KEY_BYTES, "{}: more than {MAX_KEY_BYTES} bytes", problem());
        let bytes = std::fs::read(path).with_context(problem)?;
        Ed25519KeyPair::from_pkcs8(&bytes).map(Self).map_err(|e| anyhow!("{}: {e}", problem()))
    }

    /// A signed note that says what the end of the audit is.
    ///
    /// # Errors
    /// The hash is not hexadecimal.
    pub fn sign(&self, head: &Head) -> Result<String> {
        let body = format!("{ORIGIN}\n{}\n{}\n", head.number, BASE64.encode(bytes_of(&head.hash)?));
        let mut signature = key_id(self.0.public_key().as_ref()).to_vec();
        signature.extend(self.0.sign(body.as_bytes()).as_ref());
        Ok(format!("{body}\n\u{2014} {ORIGIN} {}\n", BASE64.encode(signature)))
    }

    /// The public key, in Base64.
    #[must_use]
    pub fn public_key(&self) -> String {
        BASE64.encode(self.0.public_key().as_ref())
    }
}

fn make(path: &Path) -> Result<()> {
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|e| anyhow!("{e}"))?;
    let part = PathBuf::from(format!("{}.part", path.display()));
    let mut file = private_file(&part)?;
    file.write_all(key.as_ref())?;
    file.sync_all()?;
    Ok(std::fs::rename(part, path)?)
}

fn private_file(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}

fn key_id(public: &[u8]) -> [u8; 4] {
    let named = [ORIGIN.as_bytes(), &[b'\n', ALGORITHM], public].concat();
    let mut id = [0; 4];
    id.copy_from_slice(&digest(&SHA256, &named).as_ref()[..4]);
    id
}

/// The ends of the audit in a text: lines `number hash`, and checkpoints, wherever they stand, as in a mail. With a public key,
/// in Base64, checkpoints must be signed by it.
///
/// # Errors
/// A checkpoint is not signed by this key, or there is nothing in the text.
pub fn read_heads(text: &str, key: Option<&str>) -> Result<Vec<Head>> {
    let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches('\r')).collect();
    let mut heads: Vec<Head> = lines.iter().filter_map(|line| plain(line)).collect();
    for at in (0..lines.len()).filter(|at| lines[*at] == ORIGIN) {
        let Some(head) = checkpoint(&lines[at..]) else { continue };
        if let Some(key) = key {
            check_signature(&lines[at..], key)
                .with_context(|| format!("the checkpoint of record {}", head.number))?;
        }
        heads.push(head);
    }
    ensure!(!heads.is_empty(), "there is neither `number hash` nor a checkpoint in it");
    Ok(heads)
}

fn plain(line: &str) -> Option<Head> {
    let (number, hash) = line.trim().split_once(' ')?;
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(Head { number: number.parse().ok()?, hash: hash.to_owned() })
}

fn checkpoint(lines: &[&str]) -> Option<Head> {
    let hash = BASE64.decode(lines.get(2)?).ok()?;
    let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(Head { number: lines.get(1)?.parse().ok()?, hash })
}

fn check_signature(lines: &[&str], key: &str) -> Result<()> {
    let public = BASE64.decode(key.trim()).context("the public key is not Base64")?;
    let body = lines[..3].iter().map(|line| format!("{line}\n")).collect::<String>();
    let start = format!("\u{2014} {ORIGIN} ");
    let signature =
        lines.get(4).and_then(|line| line.strip_prefix(&start)).context("there is no signature")?;
    let signature = BASE64.decode(signature).context("the signature is not Base64")?;
    let (id, signature) = signature.split_at_checked(4).context("the signature is too short")?;
    let is_signed = UnparsedPublicKey::new(&ED25519, &public).verify(body.as_bytes(), signature).is_ok();
    ensure!(id == key_id(&public) && is_signed, "it is not signed by this key");
    Ok(())
}

fn bytes_of(hash: &str) -> Result<Vec<u8>> {
    let pairs = hash.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or_default(), 16))
        .collect::<Result<_, _>>()
        .context("the hash is not hexadecimal")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head { number: 42, hash: store::sha256("x") }
    }

    #[test]
    fn a_signed_head_is_found_in_a_mail_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.key");
        let key = HeadKey::read_or_make(&path).unwrap();
        let note = key.sign(&head()).unwrap();
        let mail =
            format!("Subject: The audit\r\n\r\nKeep this:\r\n\r\n{}\r\nBye\r\n", note.replace('\n', "\r\n"));
        let public = HeadKey::read_or_make(&path).unwrap().public_key();
        assert_eq!(read_heads(&mail, Some(&public)).unwrap(), [head()], "the key is the same");
        assert_eq!(read_heads(&note, None).unwrap(), [head()]);

        let forged = note.replace("\n42\n", "\n41\n");
        assert_eq!(read_heads(&forged, None).unwrap()[0].number, 41);
        read_heads(&forged, Some(&public)).unwrap_err();
        let other = HeadKey::read_or_make(&folder.path().join("other")).unwrap().public_key();
        read_heads(&note, Some(&other)).unwrap_err();
        let unsigned = note.lines().take(3).collect::<Vec<_>>().join("\n");
        read_heads(&unsigned, Some(&public)).unwrap_err();
    }

    #[test]
    fn plain_lines_are_read_too() {
        let text = format!("\n7 {}\n", head().hash);
        assert_eq!(read_heads(&text, None).unwrap(), [Head { number: 7, ..head() }]);
        read_heads("nothing\n", None).unwrap_err();
    }

    #[test]
    fn a_damaged_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.key");
        std::fs::write(&path, "x").unwrap();
        let problem = format!("{:#}", HeadKey::read_or_make(&path).err().unwrap());
        assert!(problem.contains("audit.key"), "{problem}");
    }
}
