//! A certificate authority for one test.

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

/// Signs certificates that only the test trusts.
pub(crate) struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, both PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    /// A new authority with a key of its own. All of them have the same name, as a renewed authority has.
    pub(crate) fn new() -> Self {
        Self::named("authority of a test")
    }

    /// A new authority of another name.
    pub(crate) fn named(name: &str) -> Self {
        let mut params = params(&[], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.self_signed(&key).expect("it signs itself");
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Its own certificate, PEM.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for these host names and IP addresses; a client's has none.
    pub(crate) fn issue(&self, hosts: &[&str]) -> Issued {
        self.sign(params(hosts, "of a test"))
    }

    /// A certificate that is valid from 1 January of one year to 1 January of another.
    pub(crate) fn issue_valid(&self, hosts: &[&str], from: i32, until: i32) -> Issued {
        let mut params = params(hosts, "of a test");
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Issued {
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("it signs");
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn params(hosts: &[&str], name: &str) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("these are host names");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
