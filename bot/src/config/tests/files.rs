//! Tests of files that are refused before they are read: security cases 69 and 70.

use super::*;

#[test]
fn case_69_what_others_can_write_is_refused() {
    let shipped = Shipped::copy();
    shipped.rights("policy.toml", 0o666).rights(PAY, 0o646).rights("services", 0o777);
    snapshot("writable_by_others", &shipped.faults());
}

/// A folder that others can write is refused like a script that others can write, and so is a parent of
/// the configuration.
#[test]
fn case_69_case_97_folders_that_others_can_write_are_refused() {
    let shipped = Shipped::copy();
    shipped.rights("scripts", 0o777);
    let faults = shipped.faults();
    assert!(faults.contains("the folder $CONFIG/scripts can be written by others (mode 0777)"), "{faults}");
    assert!(faults.contains("run `chmod go-w $CONFIG/scripts`"), "{faults}");
    shipped.rights("scripts", 0o755);
    shipped.load();
    let above = |mode| {
        std::fs::set_permissions(shipped.folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    above(0o777);
    let faults = shipped.faults();
    assert!(faults.contains("can be written by everybody (mode 0777)") && faults.contains("chmod o-w"), "{faults}");
    above(0o1777);
    shipped.load();
}

/// Security case 97: files of another user are refused. Only root can change owners, so this runs only as root; the
/// tests of `rights` cover the rule itself.
#[test]
fn case_97_what_belongs_to_somebody_else_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for file in ["policy.toml", PAY, "services", "scripts/deploy-to-folder.sh", "scripts", "."] {
        let shipped = Shipped::copy();
        std::os::unix::fs::chown(shipped.path(file), Some(12345), None).unwrap();
        let faults = shipped.faults();
        assert!(faults.contains("belongs to the user 12345, and neither to us (0) nor to root"), "{file}: {faults}");
    }
}

#[test]
fn case_69_a_link_out_of_the_folder_is_refused_and_one_inside_is_not() {
    let shipped = Shipped::copy();
    std::fs::rename(shipped.path("people.toml"), shipped.path("who.toml")).unwrap();
    std::os::unix::fs::symlink("who.toml", shipped.path("people.toml")).unwrap();
    shipped.load();
    std::fs::rename(shipped.path("who.toml"), shipped.folder.path().join("who.toml")).unwrap();
    std::fs::remove_file(shipped.path("people.toml")).unwrap();
    std::os::unix::fs::symlink("../who.toml", shipped.path("people.toml")).unwrap();
    snapshot("link_out_of_the_folder", &shipped.faults());
}

#[test]
fn case_70_a_huge_or_deep_file_is_refused_in_time() {
    let shipped = Shipped::copy();
    shipped.edit("people.toml", "", &"#".repeat(256 * 1024 + 1));
    assert!(shipped.faults().contains("larger than 256 KiB"));
    shipped.edit("people.toml", "", &format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)));
    assert!(shipped.faults().contains("people.toml is not valid TOML"));
}

#[test]
fn a_folder_that_is_not_there_is_told() {
    let faults = load_with(Path::new("/no/such/folder"), None).unwrap_err();
    assert_eq!(faults.count(), 1);
    assert!(faults.render(false).contains("--config"));
}
