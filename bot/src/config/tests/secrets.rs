//! Tests that secrets are read when used, and never shown.

use hotfix_adapters::ids::Environment;

use super::*;
use crate::config::secret::{Secret, SecretSource};

#[test]
fn a_secret_is_read_when_it_is_asked_for() {
    let shipped = Shipped::copy();
    shipped.edit("token", "", "hunter2-canary\n").rights("token", 0o600);
    shipped.edit(PAY, "# secret_env =", "secret_env = { DEPLOY_TOKEN = { file = \"token\" } }\n# secret_env =");
    let config = shipped.load();
    assert!(!format!("{config:?}").contains("canary"));
    let production: Environment = named("production");
    let MechanismConfig::Command(command) = &config.services[&named("payments")].mechanisms[&production] else {
        panic!("a command deploys")
    };
    let secret = command.secret_env["DEPLOY_TOKEN"].read().unwrap();
    assert_eq!(secret.expose(), "hunter2-canary");
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    shipped.rights("token", 0o640);
    snapshot("secret_for_others", &shipped.faults());
    std::fs::remove_file(shipped.path("token")).unwrap();
    snapshot("secret_missing", &shipped.faults());
}

#[test]
fn a_credential_is_a_file_in_the_folder_that_systemd_gives() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("token"), "hunter2-canary").unwrap();
    std::fs::set_permissions(folder.path().join("token"), std::fs::Permissions::from_mode(0o400)).unwrap();
    let source = SecretSource::Credential("token".to_owned());
    assert_eq!(source.read_from(Some(folder.path())).map(|secret: Secret| secret.expose().len()).unwrap(), 14);
    let told = source.read_from(None).unwrap_err().to_string();
    assert!(told.contains("$CREDENTIALS_DIRECTORY is not set"), "{told}");
}
