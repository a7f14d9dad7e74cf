//! `millrace ca`: a small certificate authority, for people who have none.

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use service::Settings;

/// The files of the authority.
const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";

/// How long the authority is valid, in days: ten years.
const AUTHORITY_DAYS: u32 = 3_650;

/// How long certificates are valid where the command does not say, and at most: no browser accepts one for longer.
const DEFAULT_DAYS: u32 = 397;

/// Characters of a name in a certificate, at most (RFC 5280, appendix A.1: `ub-common-name`).
const MAX_NAME_CHARS: usize = 64;

/// The commands of the certificate authority.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the authority [default: ca in data_dir]
    #[arg(long, global = true, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make the authority: ca.pem is for everyone who is to trust it, ca.key for nobody else
    Init,
    /// Make a certificate for a server, under all these names and addresses. A certificate that is there is replaced
    Server {
        /// Names and IP addresses under which it is reached, such as millrace.example.org and 192.168.1.10
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
        /// How long it is valid, in days
        #[arg(long, default_value_t = DEFAULT_DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(DEFAULT_DAYS)))]
        days: u32,
    },
    /// Make a certificate for a device, with which it connects as the MQTT user of this name
    Client {
        /// The device, with a . for each / of its name
        name: String,
        /// How long it is valid, in days
        #[arg(long, default_value_t = DEFAULT_DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(AUTHORITY_DAYS)))]
        days: u32,
    },
}

/// Performs a command and prints its result.
///
/// # Errors
/// There is an authority already, or none, or a file cannot be read or written.
pub fn run(args: Args, settings: &Settings) -> anyhow::Result<()> {
    let folder = match args.folder {
        Some(folder) => folder,
        None => settings.get::<PathBuf>("data_dir")?.join("ca"),
    };
    let today = crate::clock().wall().to_zoned(TimeZone::UTC).date();
    let text = perform(&args.command, &folder, today)?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

fn perform(command: &Command, folder: &Path, today: Date) -> anyhow::Result<String> {
    match command {
        Command::Init => init(folder, today),
        Command::Server { hosts, days } => server(folder, hosts, today, *days),
        Command::Client { name, days } => client(folder, name, today, *days),
    }
}

fn init(folder: &Path, today: Date) -> anyhow::Result<String> {
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    ensure!(
        !certificate.exists() && !key.exists(),
        "there is an authority in {} already: certificates that it made would no longer be trusted",
        folder.display()
    );
    let mut params = params("Millrace CA", today, AUTHORITY_DAYS)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let pair = KeyPair::generate().context("make a key")?;
    let signed = params.self_signed(&pair).context("sign the certificate")?;
    service::private_folder(folder).with_context(|| format!("make {}", folder.display()))?;
    write(&key, &pair.serialize_pem())?;
    write(&certificate, &signed.pem())?;
    Ok(format!(
        "{} is for everyone who is to trust this authority; keep {} to yourself.\nNext: millrace ca server HOST",
        certificate.display(),
        key.display()
    ))
}

fn server(folder: &Path, hosts: &[String], today: Date, days: u32) -> anyhow::Result<String> {
    for host in hosts {
        ensure!(is_host(host), "{host:?} is neither a host name nor an IP address");
    }
    let mut params = CertificateParams::new(hosts).context("read the names")?;
    fill(&mut params, &hosts[0], today, days)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let [certificate, key] = issue(folder, &hosts[0], &params)?;
    let (certificate, key) = (certificate.display(), key.display());
    Ok(format!(
        "{certificate} is valid for {days} days. For the page, and for MQTT over TLS:
MILLRACE__HTTP__TLS_CERTIFICATE={certificate}
MILLRACE__HTTP__TLS_KEY={key}
MILLRACE__MQTT__TLS_LISTEN=0.0.0.0:8883
MILLRACE__MQTT__TLS_CERTIFICATE={certificate}
MILLRACE__MQTT__TLS_KEY={key}"
    ))
}

fn client(folder: &Path, name: &str, today: Date, days: u32) -> anyhow::Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    ensure!(
        !name.is_empty() && name.chars().all(is_plain) && !name.starts_with('.') && !name.ends_with('.'),
        "a device has letters, digits, _ and -, with a . for each / of its name"
    );
    let mut params = params(name, today, days)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let [certificate, key] = issue(folder, name, &params)?;
    Ok(format!(
        "{} is valid for {days} days; its key is {}. The server trusts it with
MILLRACE__MQTT__TLS_CLIENT_CA={}",
        certificate.display(),
        key.display(),
        folder.join(CERTIFICATE).display()
    ))
}

/// Signs a certificate with a new key, and writes both.
fn issue(folder: &Path, name: &str, params: &CertificateParams) -> anyhow::Result<[PathBuf; 2]> {
    let authority = |file: &str| {
        let path = folder.join(file);
        let missing =
            || format!("cannot read {}: make the authority first: millrace ca init", path.display());
        std::fs::read_to_string(&path).with_context(missing)
    };
    let (certificate, key) = (authority(CERTIFICATE)?, authority(KEY)?);
    let issuer = KeyPair::from_pem(&key).with_context(|| format!("{KEY} is damaged"))?;
    let issuer = Issuer::from_ca_cert_pem(&certificate, issuer)
        .with_context(|| format!("{CERTIFICATE} is damaged"))?;
    let pair = KeyPair::generate().context("make a key")?;
    let signed = params.signed_by(&pair, &issuer).context("sign the certificate")?;
    // An IPv6 address has colons, which make trouble in paths.
    let file = name.replace(':', "_");
    ensure!(file != "ca", "ca is the authority itself: choose another name");
    let paths = [format!("{file}.pem"), format!("{file}.key")].map(|file| folder.join(file));
    write(&paths[1], &pair.serialize_pem())?;
    write(&paths[0], &signed.pem())?;
    Ok(paths)
}

fn params(name: &str, today: Date, days: u32) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::default();
    fill(&mut params, name, today, days)?;
    Ok(params)
}

/// Valid from yesterday on: clocks differ.
fn fill(params: &mut CertificateParams, name: &str, today: Date, days: u32) -> anyhow::Result<()> {
    ensure!(name.chars().count() <= MAX_NAME_CHARS, "{name} has more than {MAX_NAME_CHARS} characters");
    let day = |date: Date| {
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = day(today.yesterday()?);
    params.not_after = day(today.checked_add(jiff::Span::new().try_days(i64::from(days))?)?);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    Ok(())
}

fn is_host(host: &str) -> bool {
    let is_level = |level: &str| {
        !level.is_empty()
            && level.len() <= 63
            && level.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !level.starts_with('-')
    };
    host.parse::<IpAddr>().is_ok() || (host.len() <= 253 && host.split('.').all(is_level))
}

/// Replaces a file as a whole, readable by its owner alone.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let part = path.with_added_extension("part");
    let written = service::private_part(&part).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    });
    written.with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier as _;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, UnixTime};
    use rustls::server::WebPkiClientVerifier;
    use rustls::{RootCertStore, crypto};
    use tokio_rustls::rustls;

    use super::*;

    const DAY: u64 = 24 * 3_600;

    fn today() -> Date {
        jiff::civil::date(2026, 2, 27)
    }

    /// So many days after 27 February 2026.
    fn after(days: u64) -> UnixTime {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(1_772_150_400 + days * DAY))
    }

    fn read(path: &Path) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(path).unwrap()
    }

    fn roots(folder: &Path) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(read(&folder.join(CERTIFICATE))).unwrap();
        Arc::new(roots)
    }

    fn made() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        init(folder.path(), today()).unwrap();
        folder
    }

    #[test]
    fn a_server_is_trusted_under_its_names_for_its_time() {
        let folder = made();
        let hosts = ["millrace.example.org", "192.168.1.10", "::1"].map(str::to_owned);
        let said = server(folder.path(), &hosts, today(), 30).unwrap();
        let path = folder.path().join("millrace.example.org.pem");
        assert!(said.contains(&format!("MILLRACE__HTTP__TLS_CERTIFICATE={}", path.display())), "{said}");
        let provider = Arc::new(crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(roots(folder.path()), provider).build().unwrap();
        let is_trusted = |host: &str, at| {
            let name = host.to_owned().try_into().unwrap();
            verifier.verify_server_cert(&read(&path), &[], &name, &[], at).is_ok()
        };
        for host in &hosts {
            assert!(is_trusted(host, after(0)) && is_trusted(host, after(29)), "{host}");
            assert!(!is_trusted(host, after(31)), "{host}");
        }
        assert!(!is_trusted("other.example.org", after(0)) && !is_trusted("192.168.1.11", after(0)));
    }

    #[test]
    fn a_client_is_trusted_as_a_client_alone() {
        let folder = made();
        client(folder.path(), "site-a.lab", today(), 30).unwrap();
        let certificate = read(&folder.path().join("site-a.lab.pem"));
        let provider = Arc::new(crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(roots(folder.path()), provider.clone());
        assert!(clients.build().unwrap().verify_client_cert(&certificate, &[], after(1)).is_ok());
        let servers =
            WebPkiServerVerifier::builder_with_provider(roots(folder.path()), provider).build().unwrap();
        let name = "site-a.lab".try_into().unwrap();
        assert!(servers.verify_server_cert(&certificate, &[], &name, &[], after(1)).is_err());
    }

    #[test]
    fn keys_are_for_their_owner_and_an_authority_is_not_replaced() {
        let folder = made();
        client(folder.path(), "lab", today(), 1).unwrap();
        for file in ["ca.key", "lab.key"] {
            let mode = folder.path().join(file).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        let again = init(folder.path(), today()).unwrap_err().to_string();
        assert!(again.contains("there is an authority in"), "{again}");
        let before = std::fs::read(folder.path().join("lab.pem")).unwrap();
        client(folder.path(), "lab", today(), 1).unwrap();
        assert_ne!(
            std::fs::read(folder.path().join("lab.pem")).unwrap(),
            before,
            "one that runs out is renewed"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let folder = made();
        for host in ["a b", "", "-x", "x_y", "*", "http://a", "../ca", &"x".repeat(64)] {
            let error = server(folder.path(), &[host.to_owned()], today(), 1).unwrap_err().to_string();
            assert!(error.contains("neither a host name nor an IP address"), "{error}");
        }
        for name in ["", "a/b", "../ca", "a b", ".", "é"] {
            assert!(client(folder.path(), name, today(), 1).is_err(), "{name}");
        }
        assert!(
            client(folder.path(), "ca", today(), 1).unwrap_err().to_string().contains("the authority itself")
        );
        let empty = tempfile::tempdir().unwrap();
        let error = client(empty.path(), "lab", today(), 1).unwrap_err().to_string();
        assert!(error.contains("millrace ca init"), "{error}");
    }
}
