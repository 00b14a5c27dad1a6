//! The crash matrix over all scenarios: see `hotfix_tests::crash`.

use std::path::PathBuf;

use hotfix_tests::crash::at_every_moment;
use rstest::rstest;

/// Tried at every moment; of the other scenarios, at every fifth.
const MAIN: [&str; 3] = ["apply-whole", "website-whole", "drift-rebase"];

#[rstest]
#[tokio::test]
async fn stopped_anywhere(#[files("scenarios/*.txt")] path: PathBuf) {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let every = if MAIN.contains(&name.as_str()) { 1 } else { 5 };
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
