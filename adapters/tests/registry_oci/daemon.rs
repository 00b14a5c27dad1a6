//! Debian's `docker-registry` on a free loopback port, with its own folder, and manual pushes to it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use hex::encode;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The password `pull-me` of the account `robot`, in htpasswd format.
const ACCOUNTS: &str = "robot:$2b$04$Pgnhge6rVgRhoxeEdhC06Ohb/LoDHamVJqlEjVBIl4OmCyUwPvMMa\n";

pub(crate) const IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// A running registry, stopped on drop.
pub(crate) struct Daemon {
    address: String,
    client: Client,
    locked: bool,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Daemon {
    /// Starts a registry, which requires the account if it is locked.
    pub(crate) fn start(locked: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let accounts = folder.path().join("accounts");
        std::fs::write(&accounts, ACCOUNTS).unwrap();
        let auth = json!({ "htpasswd": { "realm": "the registry", "path": accounts } });
        let mut config = json!({
            "version": 0.1, "log": { "level": "info" }, "http": { "addr": "127.0.0.1:0" },
            "storage": { "filesystem": { "rootdirectory": folder.path().join("images") } },
        });
        if locked {
            config["auth"] = auth;
        }
        // The configuration is YAML, and JSON is valid YAML.
        let path = folder.path().join("config.yml");
        std::fs::write(&path, config.to_string()).unwrap();
        let mut command = Command::new("docker-registry");
        let spawned = command.arg("serve").arg(path).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut process = spawned.unwrap_or_else(|error| {
            panic!("docker-registry cannot be run ({error}): use tests/run, or apt-get install docker-registry")
        });
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("listening on ")).expect("the registry says where it listens");
        // The output must be read to the end, or the registry blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let port = line.rsplit_once("127.0.0.1:").unwrap().1;
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { address: format!("127.0.0.1:{port}"), client: Client::new(), locked, process, _folder: folder }
    }

    pub(crate) fn repository(&self) -> String {
        format!("{}/team/payments", self.address)
    }

    fn url(&self, rest: &str) -> String {
        format!("http://{}/v2/team/payments/{rest}", self.address)
    }

    async fn done(&self, request: RequestBuilder, wanted: StatusCode) -> reqwest::Response {
        let request = if self.locked { request.basic_auth("robot", Some("pull-me")) } else { request };
        let response = request.send().await.unwrap();
        let status = response.status();
        if status != wanted {
            panic!("{status}: {}", response.text().await.unwrap());
        }
        response
    }

    async fn push_blob(&self, blob: Vec<u8>) -> Value {
        let (digest, size) = (sha256(&blob), blob.len());
        let opened = self.done(self.client.post(self.url("blobs/uploads/")), StatusCode::ACCEPTED).await;
        let location = opened.headers()["location"].to_str().unwrap().to_owned();
        let upload = self.client.put(format!("{location}&digest={digest}")).body(blob);
        self.done(upload, StatusCode::CREATED).await;
        json!({ "size": size, "digest": digest })
    }

    /// Pushes an image with this configuration; returns the digest and size of its manifest.
    pub(crate) async fn push(&self, tag: &str, config: &Value) -> (String, usize) {
        let mut described = self.push_blob(config.to_string().into_bytes()).await;
        described["mediaType"] = json!("application/vnd.docker.container.image.v1+json");
        let mut layer = self.push_blob(b"a layer".to_vec()).await;
        layer["mediaType"] = json!("application/vnd.docker.image.rootfs.diff.tar.gzip");
        let manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": described, "layers": [layer] });
        self.push_manifest(tag, IMAGE, &manifest).await
    }

    /// Pushes any manifest; returns its digest and size.
    pub(crate) async fn push_manifest(&self, tag: &str, kind: &str, manifest: &Value) -> (String, usize) {
        let bytes = manifest.to_string().into_bytes();
        let known = (sha256(&bytes), bytes.len());
        let put = self.client.put(self.url(&format!("manifests/{tag}"))).header("content-type", kind).body(bytes);
        self.done(put, StatusCode::CREATED).await;
        known
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", encode(Sha256::digest(bytes)))
}
