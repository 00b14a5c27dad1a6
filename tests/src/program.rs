//! The real `hotfix` binary, built once per process. It supervises deployment commands, and is killed in the crash
//! tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Builds the program from the current sources, and returns its path.
///
/// # Panics
/// Panics if the build fails.
pub fn program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let this = std::env::current_exe().expect("this test cannot find itself");
        let profile = this.ancestors().nth(2).expect("a test lies in target/<profile>/deps");
        let target = profile.parent().expect("a profile lies in the target folder");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--bin", "hotfix", "--target-dir"]).arg(target);
        if profile.ends_with("release") {
            cargo.args(["-p", "hotfix", "--release"]);
        } else {
            // This selection gives the dependencies the same features as in `cargo test`, so they are not built twice.
            cargo.args(["--workspace", "--test", "e2e"]);
        }
        // The cargo that runs the tests sets variables about the tests. Build scripts that watch them (ring's) would
        // run again, and most of the dependencies would be rebuilt.
        for (name, _) in std::env::vars_os() {
            let told = name.to_string_lossy();
            let own = ["OUT_DIR", "RUSTC_BOOTSTRAP"].contains(&told.as_ref());
            if own || told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(name);
            }
        }
        let status = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().expect("cargo could not be run");
        assert!(status.success(), "the program cannot be built");
        profile.join("hotfix")
    })
}
