//! Edits of `.env` files.

use hotfix_adapters::edit::env::{get, set};

use super::fixture;

/// PROMO-3, PROMO-17: only the line that sets the variable changes; longer names that contain it, and comments, do not.
#[test]
fn one_variable_of_many_is_set() {
    let file = fixture(".env");
    let edit = set(&file, "RECONCILE_IMAGE_TAG", "ea6d44c").unwrap();
    assert_eq!(edit.text, file.replace("RECONCILE_IMAGE_TAG=1a4ed92 ", "RECONCILE_IMAGE_TAG=ea6d44c "));
    assert_eq!((edit.changes[0].line, edit.changes[0].old.as_str()), (10, "1a4ed92"));
    assert_eq!(get(&file, "SCHEMAS_IMAGE_TAG").unwrap().value, "b0b1b2b3b4b5b6b7b8b9c0c1c2c3c4c5c6c7c8c9");
}

#[test]
fn quotes_line_ends_and_a_missing_last_one_stay() {
    for (before, after) in [
        ("K=old", "K=new"),
        ("export K=\"old\"\r\nX=1\r\n", "export K=\"new\"\r\nX=1\r\n"),
        ("  export  K='old' # K=x\n", "  export  K='new' # K=x\n"),
        ("#K=old\nK=old\nXK=old\nK_=old\n", "#K=old\nK=new\nXK=old\nK_=old\n"),
        ("K=\n", "K=new\n"),
        ("A='#'\nK=old#x\n", "A='#'\nK=new\n"),
    ] {
        assert_eq!(set(before, "K", "new").unwrap().text, after);
    }
}

#[test]
fn what_is_not_plainly_one_setting_is_refused() {
    let refused = |text: &str| set(text, "K", "new").unwrap_err().to_string();
    assert!(refused("export X=1\n# K=1\n").contains("no line sets K"));
    assert!(refused("K=1\nX=2\nexport K=3\n").contains("K is set on lines 1 and 3"));
    assert!(refused("K=$OTHER\n").contains("line 1: the shell computes K"));
    assert!(refused("K=\"a${B}\"\n").contains("the shell computes K"));
    assert!(refused("K=old; rm x\n").contains("something stands behind") || refused("K=a b\n").contains("behind"));
    assert!(refused("X='open\nK=inside\n'\n").contains("line 1: a quote is not closed"));
    for value in ["", "a b", "$(x)", "a;b", "a#b", "'x'"] {
        assert!(set("K=1\n", "K", value).is_err(), "{value}");
    }
}
