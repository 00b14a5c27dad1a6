//! The real program as a child process, started as an operator does. All its output is kept.

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::program::program;

/// Maximum time to wait for the program.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running bot. The process is killed on drop.
pub struct Running {
    child: Child,
    heard: Arc<Mutex<Vec<String>>>,
    news: watch::Receiver<usize>,
}

/// The result of a program that has ended.
#[derive(Debug)]
pub struct Ended {
    /// `true` if the exit status was success.
    pub well: bool,
    /// Everything that it wrote to both outputs.
    pub said: String,
}

/// If a test fails and the bot has exited on its own, prints the output of the bot.
impl Drop for Running {
    fn drop(&mut self) {
        if let (true, Ok(Some(status))) = (std::thread::panicking(), self.child.try_wait()) {
            eprintln!("the bot had ended ({status}):\n{}", self.so_far());
        }
    }
}

impl Running {
    /// Starts `hotfix serve` with these additional environment variables.
    ///
    /// # Panics
    /// Panics if the program cannot be started.
    #[must_use]
    pub fn start(config: &Path, env: &[(&str, &OsStr)]) -> Self {
        let mut child = command(config, &["serve"], env).spawn().expect("the bot starts");
        let (tell, news) = watch::channel(0);
        let heard = Arc::default();
        listen(child.stderr.take().expect("a log"), &heard, tell.clone());
        listen(child.stdout.take().expect("an output"), &heard, tell);
        Self { child, heard, news }
    }

    /// Waits for the first line of output that contains these words, and returns it.
    ///
    /// # Panics
    /// Panics if no such line appears within a minute.
    pub async fn said(&self, words: &str) -> String {
        let mut news = self.news.clone();
        let find = || self.heard.lock().expect("a lock").iter().find(|line| line.contains(words)).cloned();
        let wait = async {
            loop {
                news.borrow_and_update();
                if let Some(line) = find() {
                    return Some(line);
                }
                if news.changed().await.is_err() {
                    return find();
                }
            }
        };
        let line = tokio::time::timeout(PATIENCE, wait).await.ok().flatten();
        line.unwrap_or_else(|| panic!("the bot never said {words:?}:\n{}", self.so_far()))
    }

    /// Waits for the first line that contains these words, and returns the address in it.
    ///
    /// # Panics
    /// Panics if no such line appears, or if it contains no address.
    pub async fn address(&self, words: &str) -> SocketAddr {
        let line = self.said(words).await;
        let (_, rest) = line.split_once("127.0.0.1:").unwrap_or_else(|| panic!("no address in {line}"));
        let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
        SocketAddr::from(([127, 0, 0, 1], port.parse().expect("a port")))
    }

    /// Returns the output so far.
    #[must_use]
    pub fn so_far(&self) -> String {
        self.heard.lock().expect("a lock").join("\n")
    }

    /// Sends a signal to the process.
    ///
    /// # Panics
    /// Panics if the process is not running.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
        rustix::process::kill_process(pid.expect("it runs"), signal).expect("it is told");
    }

    /// Stops the process with SIGTERM, waits for it, and returns its output.
    ///
    /// # Panics
    /// Panics if the process does not end within a minute.
    pub async fn stop(mut self) -> Ended {
        if self.child.id().is_some() {
            self.signal(rustix::process::Signal::TERM);
        }
        let status = tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("a status");
        // A channel without a sender means that both outputs have been read to the end.
        let ends = async { while self.news.changed().await.is_ok() {} };
        tokio::time::timeout(PATIENCE, ends).await.expect("its outputs end with it");
        Ended { well: status.success(), said: self.so_far() }
    }
}

/// Runs a command of the program that ends, such as `doctor` or `check-config`.
///
/// # Panics
/// Panics if the program cannot be started, or does not end within a minute.
pub async fn run(config: &Path, arguments: &[&str], env: &[(&str, &OsStr)]) -> Ended {
    let output = command(config, arguments, env).output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("it ends").expect("it starts");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
    Ended { well: output.status.success(), said }
}

/// Sends an HTTP request to this address, and returns the raw response. Reads until the server closes the connection.
///
/// # Panics
/// Panics if no server listens there, or if it does not close the connection within a minute.
pub async fn ask(address: SocketAddr, method: &str, path: &str, headers: &http::HeaderMap, body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().expect("text")));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{}content-length: {}\r\n\r\n{body}",
        headers.collect::<String>(),
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.expect("somebody listens");
    stream.write_all(request.as_bytes()).await.expect("it is heard");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection was never closed");
    String::from_utf8_lossy(&answer).into_owned()
}

fn command(config: &Path, arguments: &[&str], env: &[(&str, &OsStr)]) -> Command {
    let mut command = Command::new(program());
    command.arg("--config").arg(config).args(arguments).env_remove("RUST_LOG").envs(env.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn listen(from: impl AsyncRead + Unpin + Send + 'static, heard: &Arc<Mutex<Vec<String>>>, tell: watch::Sender<usize>) {
    let heard = heard.clone();
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            heard.lock().expect("a lock").push(String::from_utf8_lossy(&line).into_owned());
            tell.send_modify(|count| *count += 1);
        }
    });
}
