//! The log: one event is one line. Characters that could control a terminal, hide text or forge a line are escaped in
//! both formats (security case 63). Colors are off, because with them the escape sequences of values would pass.

use std::io::{self, Write};

use anyhow::Context as _;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};

/// Dependencies that log their traffic, including our secrets, at verbose levels. Their level is capped.
const QUIET: [&str; 2] = ["tungstenite=info", "tokio_tungstenite=info"];

/// Sets up the log of this process, and logs panics there.
pub(super) fn set_up(log: &Log) -> anyhow::Result<()> {
    let mut filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(&log.filter))
        .context("the log filter of hotfix.toml")?;
    for quiet in QUIET {
        filter = filter.add_directive(quiet.parse().context("a directive of ours")?);
    }
    tracing::subscriber::set_global_default(subscriber(log.format, filter, Lines { to: io::stderr }))?;
    std::panic::set_hook(Box::new(tell_of_panic));
    Ok(())
}

fn subscriber<W: Write + 'static>(
    format: LogFormat,
    filter: EnvFilter,
    to: Lines<impl Fn() -> W + Send + Sync + 'static>,
) -> Box<dyn Subscriber + Send + Sync> {
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(to);
    match format {
        LogFormat::Json => Box::new(builder.json().finish()),
        LogFormat::Text => Box::new(builder.with_ansi(false).finish()),
    }
}

/// Logs a panic with its location. The interrupted operation logs its own context.
fn tell_of_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let payload = panic.payload();
    let words =
        payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let words = words.unwrap_or("without a word");
    let backtrace = std::backtrace::Backtrace::capture();
    let backtrace =
        matches!(backtrace.status(), std::backtrace::BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(%place, %words, backtrace, "a fault of the bot: please report it");
}

/// Writer that sanitizes log lines.
struct Lines<F> {
    to: F,
}

/// Writer of one sanitized line.
struct Line<W> {
    to: W,
}

impl<'a, W: Write, F: Fn() -> W> MakeWriter<'a> for Lines<F> {
    type Writer = Line<W>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { to: (self.to)() }
    }
}

impl<W: Write> Write for Line<W> {
    /// The formatter writes one whole event at a time, including its line break.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.to.write_all(format!("{}\n", harmless(line)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Returns the line with every special character escaped by its code point, in the syntax of JSON, so that both formats
/// stay valid.
fn harmless(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            c if c.is_control() || is_unseen(c) => {
                c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns `true` for characters that reorder a line or are invisible.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const HOSTILE: &str =
        "main\u{1b}[2J\r\n2026-11-21T10:00:00Z  INFO hotfix: HF-1 is approved\u{9b}31m\u{202e}\u{200b}\u{e0041}";

    fn logged(format: LogFormat) -> String {
        let page = Page::default();
        let (to, filter) = (page.clone(), EnvFilter::new("info"));
        let subscriber = subscriber(format, filter, Lines { to: move || to.clone() });
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("run", title = HOSTILE, shown = %HOSTILE);
            span.in_scope(|| tracing::info!(branch = HOSTILE, reason = %HOSTILE, debug = ?HOSTILE, "said {HOSTILE}"));
        });
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// Security case 63: a logged event is one line of plain characters, in both formats, and nothing is lost.
    #[test]
    fn a_line_of_the_log_is_one_line_whatever_is_in_it() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = logged(format);
            assert_eq!(line.matches('\n').count(), 1, "{format:?}: {line}");
            let plain = line.trim_end_matches('\n');
            assert!(!plain.chars().any(|c| c.is_control() || is_unseen(c)), "{format:?}: {plain:?}");
            assert!(!plain.contains("\u{1b}[2J"), "{format:?}: {plain:?}");
            assert!(plain.contains("HF-1 is approved") && plain.contains("\\u202e"), "{format:?}: {plain}");
        }
    }

    #[test]
    fn a_line_for_machines_still_says_what_was_said() {
        let line: serde_json::Value = serde_json::from_str(&logged(LogFormat::Json)).unwrap();
        assert_eq!(line["fields"]["branch"], HOSTILE);
        assert_eq!(line["span"]["title"], HOSTILE);
    }
}
