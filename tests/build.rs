//! A new scenario is a new test: the test binary is built again when one is added.
fn main() {
    println!("cargo:rerun-if-changed=scenarios");
}
