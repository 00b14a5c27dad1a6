//! The crash matrix over all scenarios: see `hotfix_tests::crash`.

use std::path::PathBuf;

use hotfix_tests::crash::at_every_moment;
use rstest::rstest;

#[rstest]
#[tokio::test]
async fn stopped_anywhere(#[files("scenarios/*.txt")] path: PathBuf) {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    // Every sixteenth moment, so that the whole of the tests stays below half an hour; `CRASH_EVERY=1` stops at all of them.
    let every = std::env::var("CRASH_EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(16);
    let began = std::time::Instant::now();
    match at_every_moment(&path, every, 25).await {
        Ok(tried) => println!(
            "{name}: stopped at every {every}. of {} moments, {} in all, {:.1?}",
            tried.moments,
            tried.tried,
            began.elapsed()
        ),
        Err(error) => panic!("{error:#}"),
    }
}
