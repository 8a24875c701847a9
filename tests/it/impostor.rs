//! Servers that are not the Kafka cluster that the prober expects: an HTTP server, a TLS server with a certificate of
//! another CA, and a broker that refuses every password.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;

use crate::harness::authority::Issued;

/// Kafka's SASL_AUTHENTICATION_FAILED.
const SASL_AUTHENTICATION_FAILED: u16 = 58;

const METADATA: u16 = 3;
const SASL_HANDSHAKE: u16 = 17;
const API_VERSIONS: u16 = 18;
const SASL_AUTHENTICATE: u16 = 36;

/// Serves every connection on a thread of its own, until the process of the test ends.
fn serve(connection: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let connection = Arc::new(connection);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = Arc::clone(&connection);
            std::thread::spawn(move || connection(stream));
        }
    });
    address
}

/// An HTTP server, which answers 400 to everything.
pub(crate) fn http() -> SocketAddr {
    serve(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    })
}

/// A TLS server with this certificate, which sends nothing after the handshake.
pub(crate) fn tls(issued: &Issued) -> SocketAddr {
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).expect("OpenSSL works");
    let certificate = X509::from_pem(issued.certificate.as_bytes()).expect("it is a certificate");
    let key = PKey::private_key_from_pem(issued.key.as_bytes()).expect("it is a key");
    acceptor.set_certificate(&certificate).expect("it can be used");
    acceptor.set_private_key(&key).expect("it belongs to the certificate");
    let acceptor = acceptor.build();
    serve(move |stream| {
        if let Ok(mut stream) = acceptor.accept(stream) {
            let _ = stream.read(&mut [0; 1024]);
        }
    })
}

/// A broker with SASL PLAIN that refuses every password.
pub(crate) fn refusing_passwords() -> SocketAddr {
    serve(|mut stream| while answer(&mut stream).is_ok() {})
}

/// Reads one request and writes its response.
fn answer(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut request = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut request)?;
    let number = |at: usize| u16::from_be_bytes([request[at], request[at + 1]]);
    let (api, version) = (number(0), number(2));
    let mut response = request[4..8].to_vec();
    match api {
        API_VERSIONS => response.extend(api_versions(version)),
        SASL_HANDSHAKE => response.extend(b"\0\0\0\0\0\x01\0\x05PLAIN"),
        SASL_AUTHENTICATE => {
            // Version 2: tags, the error, its message, no bytes, the lifetime of the session, tags.
            response.push(0);
            response.extend(SASL_AUTHENTICATION_FAILED.to_be_bytes());
            response.extend(b"\x07failed\x01\0\0\0\0\0\0\0\0\0");
        }
        _ => return Err(std::io::ErrorKind::Unsupported.into()),
    }
    stream.write_all(&u32::try_from(response.len()).unwrap_or(0).to_be_bytes())?;
    stream.write_all(&response)
}

/// Offers what a Kafka client needs to authenticate.
fn api_versions(version: u16) -> Vec<u8> {
    let offered: [(u16, u16); 4] = [(SASL_HANDSHAKE, 1), (API_VERSIONS, 3), (SASL_AUTHENTICATE, 2), (METADATA, 12)];
    let is_flexible = 3 <= version;
    let mut body = vec![0, 0];
    match is_flexible {
        true => body.push(offered.len() as u8 + 1),
        false => body.extend((offered.len() as u32).to_be_bytes()),
    }
    for (api, newest) in offered {
        body.extend(api.to_be_bytes());
        body.extend([0, 0]);
        body.extend(newest.to_be_bytes());
        body.extend(is_flexible.then_some(0));
    }
    if 1 <= version {
        body.extend([0; 4]);
    }
    body.extend(is_flexible.then_some(0));
    body
}
