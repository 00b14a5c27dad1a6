//! The real program, which watches over deploying commands and is killed in the tests that kill. It is built once a process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program, built from the sources as they are now.
///
/// # Panics
/// When it cannot be built.
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let this = std::env::current_exe().expect("this test cannot find itself");
        let profile = this.ancestors().nth(2).expect("a test lies in target/<profile>/deps");
        let target = profile.parent().expect("a profile lies in the target folder");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "-p", "hotfix", "--bin", "hotfix", "--target-dir"]).arg(target);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        // Set by the cargo that runs the tests. Build scripts that watch it would run again, and all that needs them with them.
        cargo.env_remove("CARGO_MANIFEST_DIR");
        let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo could not be run");
        assert!(status.success(), "the program cannot be built");
        profile.join("hotfix")
    })
}
