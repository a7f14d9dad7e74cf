//! `millrace ca`: a small certificate authority, for people who have none.

use std::fs::Permissions;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// The certificate for servers with its key, in one file.
const BUNDLE: &str = "server.bundle";

/// A certificate that is kept at hand is made anew so many days before it ends.
const RENEW_DAYS: i64 = 30;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

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
    /// Keep a certificate for servers at hand, as long as this runs: make the authority and server.pem, server.key and
    /// server.bundle (both in one file) where they are missing, and anew 30 days before they end
    Keep {
        /// Names and IP addresses under which the servers are reached
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
    /// Exit with 0 where there is a certificate for servers that is valid
    Check,
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
pub async fn run(args: Args, settings: &Settings) -> anyhow::Result<()> {
    let folder = match args.folder {
        Some(folder) => folder,
        None => settings.get::<PathBuf>("data_dir")?.join("ca"),
    };
    loop {
        let text = perform(&args.command, &folder, today())?;
        if !text.is_empty() {
            writeln!(std::io::stdout().lock(), "{text}")?;
        }
        if !matches!(args.command, Command::Keep { .. }) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn today() -> Date {
    crate::clock().wall().to_zoned(TimeZone::UTC).date()
}

fn perform(command: &Command, folder: &Path, today: Date) -> anyhow::Result<String> {
    match command {
        Command::Init => init(folder, today),
        Command::Keep { hosts } => keep(folder, hosts, today),
        Command::Check => check(folder, today),
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

/// Makes what is missing, or ends soon.
fn keep(folder: &Path, hosts: &[String], today: Date) -> anyhow::Result<String> {
    if !folder.join(CERTIFICATE).exists() {
        init(folder, today)?;
    }
    // Servers run as other users, who see nothing of the authority but its certificate.
    std::fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    std::fs::set_permissions(folder.join(CERTIFICATE), Permissions::from_mode(0o644))?;
    let hosts_file = folder.join("server.hosts");
    let listed = hosts.join("\n");
    let is_same = std::fs::read_to_string(&hosts_file).is_ok_and(|before| before == listed);
    if is_same && ends(folder).is_ok_and(|end| end > today.saturating_add(jiff::Span::new().days(RENEW_DAYS)))
    {
        return Ok(String::new());
    }
    let params = server_params("server", hosts, today, DEFAULT_DAYS)?;
    let [certificate, key] = issue(folder, "server", &params)?;
    let [certificate, key] = [certificate, key].map(std::fs::read_to_string);
    let (certificate, key) = (certificate?, key?);
    write(&folder.join(BUNDLE), &(certificate + &key))?;
    write(&hosts_file, &listed)?;
    for file in ["server.pem", "server.key", BUNDLE] {
        std::fs::set_permissions(folder.join(file), Permissions::from_mode(0o644))?;
    }
    Ok(format!(
        "{} is valid for {DEFAULT_DAYS} days, for {}",
        folder.join("server.pem").display(),
        hosts.join(", ")
    ))
}

/// # Errors
/// There is no certificate for servers, or it is over.
fn check(folder: &Path, today: Date) -> anyhow::Result<String> {
    let end = ends(folder)?;
    ensure!(folder.join(BUNDLE).exists() && end >= today, "the certificate for servers ended on {end}");
    Ok(format!("valid until {end}"))
}

/// The last day of the certificate for servers.
fn ends(folder: &Path) -> anyhow::Result<Date> {
    let path = folder.join("server.pem");
    let pem = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).context("read the certificate for servers")?;
    let certificate = pem.parse_x509().context("read the certificate for servers")?;
    let end = jiff::Timestamp::from_second(certificate.validity().not_after.timestamp())?;
    Ok(end.to_zoned(TimeZone::UTC).date())
}

fn server_params(name: &str, hosts: &[String], today: Date, days: u32) -> anyhow::Result<CertificateParams> {
    for host in hosts {
        ensure!(is_host(host), "{host:?} is neither a host name nor an IP address");
    }
    let mut params = CertificateParams::new(hosts).context("read the names")?;
    fill(&mut params, name, today, days)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn server(folder: &Path, hosts: &[String], today: Date, days: u32) -> anyhow::Result<String> {
    let params = server_params(&hosts[0], hosts, today, days)?;
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
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.~".contains(c);
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
        UnixTime::since_unix_epoch(Duration::from_secs(1_772_150_400 + days * DAY))
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
    fn a_certificate_is_kept_at_hand_and_made_anew_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = ["haproxy".to_owned(), "127.0.0.1".to_owned()];
        let keep_on = |date: Date, hosts: &[String]| keep(folder.path(), hosts, date).unwrap();
        assert!(check(folder.path(), today()).is_err());
        assert!(keep_on(today(), &hosts).contains("haproxy, 127.0.0.1"));
        let authority = std::fs::read(folder.path().join(CERTIFICATE)).unwrap();
        check(folder.path(), today()).unwrap();
        let later = |days: i64| today().saturating_add(jiff::Span::new().days(days));
        assert_eq!(keep_on(later(300), &hosts), "");
        assert!(!keep_on(later(370), &hosts).is_empty(), "it would end within 30 days");
        assert_eq!(keep_on(later(400), &hosts), "");
        assert!(check(folder.path(), later(1_000)).is_err());
        assert!(!keep_on(later(400), &hosts[1..]).is_empty(), "it has other names now");
        assert_eq!(std::fs::read(folder.path().join(CERTIFICATE)).unwrap(), authority);
        let mode = |file: &str| folder.path().join(file).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(["ca.key", "ca.pem", "server.key", BUNDLE].map(mode), [0o600, 0o644, 0o644, 0o644]);
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
