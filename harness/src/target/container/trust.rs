//! Whose certificates are trusted.

use std::time::{Duration, Instant};

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::{Options, member::Member, settings::Settings};
use crate::{authority::Authority, error::Error};

/// Our authority, or what the server says; in PEM too, for clients.
pub(super) fn of(
    settings: &Settings,
    authority: &Authority,
    server: &Member,
    options: &Options,
) -> Result<(Vec<u8>, RootCertStore), Error> {
    let Some(path) = &settings.container.ca else {
        let roots = RootCertStore::clone(&authority.roots());
        return Ok((authority.ca_pem().into_bytes(), roots));
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        // The file may be there before it is whole.
        let pem = server.file(path).unwrap_or_default();
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).flatten().collect();
        let mut roots = RootCertStore::empty();
        if roots.add_parsable_certificates(certificates).0 > 0 {
            return Ok((pem, roots));
        }
        server.check(options)?;
        if Instant::now() > deadline {
            let problem = format!("has written no certificate to {path}");
            return Err(server.complaint(&problem));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
