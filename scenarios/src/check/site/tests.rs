use std::{fs, os::unix::fs::symlink, os::unix::net::UnixListener, process::Command};

use rstest::rstest;
use tempfile::TempDir;

use super::*;

const MC: &str = "OSTYPE(`debian')dnl\nMAILER(`smtp')dnl\n";

/// A folder with an `.mc` and some files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("site.mc"), MC).unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn read(folder: &TempDir) -> Site {
    Site::read(&folder.path().join("site.mc")).unwrap()
}

fn names(site: &Site) -> Vec<&str> {
    site.files.keys().map(String::as_str).collect()
}

fn why<'a>(site: &'a Site, name: &str) -> &'a str {
    let left_out = site.left_out.iter().find(|(left_out, _)| left_out == name);
    left_out.map_or("", |(_, why)| why)
}

#[test]
fn plain_files_are_taken() {
    let folder = folder(&[
        ("access", "a"),
        ("access.db", "b"),
        ("userdb.db", "c"),
        ("m4/x/y/ours.m4", "d"),
        ("m4/x/y/z/deep", "e"),
        (".git/config", "f"),
        ("site.expect/facts.toml", "g"),
        ("site.mc~", "h"),
        ("#site.mc#", "i"),
        (".hidden", "j"),
    ]);
    let site = read(&folder);
    assert_eq!(
        names(&site),
        [
            ".hidden",
            "access",
            "m4/x/y/ours.m4",
            "site.mc",
            "userdb.db"
        ]
    );
    assert_eq!(site.files["site.mc"], MC.as_bytes());
    assert_eq!(site.mc.statements.len(), 2);
    assert_eq!(why(&site, "access.db"), "is built again from access");
    assert_eq!(why(&site, "m4/x/y/z"), "lies deeper than 4 folders");
    assert_eq!(why(&site, ".git"), "is a hidden folder");
    assert_eq!(why(&site, "site.mc~"), "is an editor's backup");
    assert_eq!(why(&site, "site.expect"), "");
}

#[test]
fn links_are_followed_inside_the_folder_only() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("access"), "secret").unwrap();
    let folder = folder(&[("maps/virtusertable", "v")]);
    let here = |name: &str| folder.path().join(name);
    symlink("maps/virtusertable", here("virtusertable")).unwrap();
    symlink(elsewhere.path().join("access"), here("access")).unwrap();
    symlink(elsewhere.path(), here("folder")).unwrap();
    symlink("maps", here("inner")).unwrap();
    symlink("nowhere", here("dead")).unwrap();
    symlink("loop", here("loop")).unwrap();
    let site = read(&folder);
    assert_eq!(
        names(&site),
        ["maps/virtusertable", "site.mc", "virtusertable"]
    );
    assert_eq!(site.files["virtusertable"], b"v");
    let out = "is a symbolic link that leads out of the folder (to ";
    assert!(why(&site, "access").starts_with(out), "{:?}", site.left_out);
    assert!(why(&site, "folder").starts_with(out));
    assert_eq!(why(&site, "inner"), "is a symbolic link to a folder");
    assert_eq!(
        why(&site, "dead"),
        "is a symbolic link that leads nowhere (to nowhere)"
    );
    assert_eq!(
        why(&site, "loop"),
        "is a symbolic link that leads nowhere (to loop)"
    );
    let needed = site
        .needed_but_left_out("Kaccess hash /etc/mail/access\n")
        .unwrap();
    assert!(needed.starts_with("access: is a symbolic link that leads out of the folder (to /"));
    assert!(
        needed.ends_with("/access), and the configuration needs it: put a copy into the folder")
    );
}

#[test]
fn what_is_no_plain_file_is_not_opened() {
    let folder = folder(&[]);
    assert!(
        Command::new("mkfifo")
            .arg(folder.path().join("fifo"))
            .status()
            .unwrap()
            .success()
    );
    let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
    let site = read(&folder);
    assert_eq!(why(&site, "fifo"), "is no plain file");
    assert_eq!(why(&site, "socket"), "is no plain file");
}

#[test]
fn a_large_file_is_left_out_and_a_large_folder_is_refused() {
    let folder = folder(&[]);
    fs::write(folder.path().join("mbox"), vec![b'x'; 4 * 1024 * 1024 + 1]).unwrap();
    assert_eq!(why(&read(&folder), "mbox"), "is larger than 4 MiB");
    for number in 0..5 {
        fs::write(
            folder.path().join(format!("{number}")),
            vec![b'x'; 4 * 1024 * 1024],
        )
        .unwrap();
    }
    let error = Site::read(&folder.path().join("site.mc")).unwrap_err();
    assert!(
        error.contains("its folder has more than 16 MiB: put"),
        "{error}"
    );
}

#[test]
fn a_folder_with_many_files_is_refused() {
    let folder = folder(&[]);
    for number in 0..2_001 {
        fs::write(folder.path().join(format!("{number}")), "").unwrap();
    }
    let error = Site::read(&folder.path().join("site.mc")).unwrap_err();
    assert!(
        error.contains("its folder has more than 2000 files: put"),
        "{error}"
    );
}

#[rstest]
#[case("missing", "does not exist")]
#[case("folder", "is a folder: name an .mc file")]
#[case("fifo", "is no plain file: name an .mc file")]
#[case(
    "outside",
    "is a symbolic link that leads out of the folder (to /etc/hostname)"
)]
#[case("map.db", "is no text: octet 1 is NUL")]
#[case("large", "is larger than 1 MiB, which no .mc is")]
fn what_is_no_mc_is_refused(#[case] name: &str, #[case] why: &str) {
    let folder = folder(&[("folder/x", ""), ("map.db", "\0")]);
    let path = folder.path().join(name);
    match name {
        "fifo" => assert!(
            Command::new("mkfifo")
                .arg(&path)
                .status()
                .unwrap()
                .success()
        ),
        "outside" => symlink("/etc/hostname", &path).unwrap(),
        "large" => fs::write(&path, vec![b'x'; 10 * 1024 * 1024]).unwrap(),
        _ => {}
    }
    let error = Site::read(&path).unwrap_err();
    assert!(
        error.starts_with(&format!("{}: {why}", path.display())),
        "{error}"
    );
}

#[test]
fn the_mc_may_be_a_link_inside_its_folder() {
    let folder = folder(&[]);
    let link = folder.path().join("current.mc");
    symlink("site.mc", &link).unwrap();
    let site = Site::read(&link).unwrap();
    assert_eq!(names(&site), ["current.mc", "site.mc"]);
    assert_eq!(site.files["current.mc"], MC.as_bytes());
}

#[rstest]
#[case("access", "Kaccess hash -T<TMPF> /etc/mail/access\n", true)]
#[case("access", "Kaccess hash /etc/mail/access.db\n", true)]
#[case("access.db", "Kaccess hash /etc/mail/access\n", true)]
#[case("access", "FEATURE(`access_db', `hash /etc/mail/access')dnl\n", true)]
#[case(
    "access",
    "FEATURE(`access_db')dnl\nO AliasFile=/etc/mail/access_list\n",
    false
)]
#[case("access", "dnl see /etc/mail/access\n# /etc/mail/access\n", false)]
#[case("m4/ours.m4", "include(`/etc/mail/m4/ours.m4')dnl\n", true)]
#[case("m4/ours.m4", "sinclude(`m4/ours.m4')dnl\n", true)]
#[case("tls", "O CACertPath=/etc/mail/tls/certs\n", true)]
#[case("ours.m4", "include(`m4/ours.m4')dnl\n", false)]
fn a_file_is_needed_where_it_is_named(#[case] name: &str, #[case] text: &str, #[case] named: bool) {
    let mut site = read(&folder(&[]));
    site.left_out
        .push((name.to_owned(), "is larger than 4 MiB".to_owned()));
    assert_eq!(site.needed_but_left_out(text).is_some(), named);
}

#[test]
fn a_folder_with_an_mc_of_its_own_is_another_site() {
    let folder = folder(&[
        ("sites/debian/debian.mc", MC),
        ("sites/debian/access", "a"),
        ("sites/README", "b"),
    ]);
    let site = read(&folder);
    assert_eq!(names(&site), ["site.mc", "sites/README"]);
    assert!(site.left_out.is_empty());
    let needed = site.needed_but_left_out("include(`sites/debian/access')");
    assert!(needed.unwrap().contains("another .mc"));
}

#[rstest]
#[case("")]
#[case("dnl nothing\n\n# nothing\n")]
#[case("V10/Berkeley\nO Timeout.ident=0s\n")]
fn without_a_macro_it_is_no_mc(#[case] text: &str) {
    let folder = folder(&[("none.mc", text)]);
    let problem = Site::read(&folder.path().join("none.mc")).unwrap_err();
    assert!(problem.contains("calls no macro"), "{problem}");
}
