//! The Kubernetes observer, against a strict fake API server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::Path;
use std::time::Duration;

use hotfix_adapters::cluster::Cluster;
use hotfix_adapters::cluster::kubernetes::{
    Access, ContainerRule, Kubernetes as Adapter, KubernetesOptions, KubernetesOptionsError, Place,
};
use hotfix_adapters::failure::Failure;
use hotfix_fakes::kubernetes::Kubernetes;
use hotfix_fakes::server::Fault;
use secrecy::SecretString;
use serde_json::json;

const TOKEN: &str = "a-secret-token";
const NAMES: [&str; 2] = ["cs-prod", "wcs-prod"];

fn explicit(url: &str, token: &str) -> Access {
    Access::Explicit { url: url.to_owned(), token: SecretString::from(token), ca: None }
}

fn place(name: &str, access: Access) -> Place {
    Place { name: name.to_owned(), access, namespace: name.to_owned(), deployment: "payments".to_owned() }
}

fn named() -> ContainerRule {
    ContainerRule::Named("payments".to_owned())
}

/// Returns options for a single place in the cluster, `cs-prod`.
fn one(cluster: &Kubernetes) -> KubernetesOptions {
    KubernetesOptions::new(vec![place("cs-prod", explicit(&cluster.server.url(), TOKEN))], named())
}

async fn reading(options: KubernetesOptions) -> Result<String, Failure> {
    let images = Adapter::new(options).unwrap().running().await?;
    let told = images.iter().map(|image| {
        let digest = image.digest.as_ref().map_or("-", |digest| digest.short());
        format!("{}: {} {} {digest}", image.place, image.reference, image.tag.as_deref().unwrap_or("-"))
    });
    Ok(told.collect::<Vec<_>>().join("\n"))
}

async fn refused(options: KubernetesOptions) -> Failure {
    let failure = reading(options).await.unwrap_err();
    assert!(!format!("{failure} {failure:?}").contains(TOKEN), "{failure}");
    failure
}

async fn cluster() -> Kubernetes {
    let cluster = Kubernetes::start(TOKEN).await;
    for (namespace, tag) in NAMES.iter().zip(["1.4.2", "branch-hotfix_HOCS-1234"]) {
        let image = format!("quay.io/team/payments:{tag}");
        let sides = [("cfssl", "quay.io/side/cfssl:v1"), ("nginx", "registry:5000/side/nginx"), ("payments", &image)];
        cluster.deploy(namespace, "payments", &sides);
    }
    cluster
}

/// HOCS-3: two production environments with different versions, one of them a hotfix, are both reported.
///
/// HOCS-5: sidecars and the init container are ignored.
#[tokio::test]
async fn each_place_tells_what_its_own_container_runs() {
    let cluster = cluster().await;
    for rule in [named(), ContainerRule::Image("quay.io/team/payments".to_owned())] {
        let places = NAMES.map(|name| place(name, explicit(&cluster.server.url(), TOKEN)));
        let told = reading(KubernetesOptions::new(places.into(), rule)).await.unwrap();
        assert_eq!(
            told,
            "cs-prod (cs-prod/payments): quay.io/team/payments:1.4.2 1.4.2 -\n\
             wcs-prod (wcs-prod/payments): quay.io/team/payments:branch-hotfix_HOCS-1234 branch-hotfix_HOCS-1234 -"
        );
    }
    assert!(cluster.server.control.calls().iter().all(|call| call.method == "GET"));
}

/// HOCS-5: image references with a registry port, with a digest and without a tag.
#[tokio::test]
async fn every_kind_of_reference_is_understood() {
    let cluster = cluster().await;
    let digest = format!("sha256:{}", "d".repeat(64));
    for (image, rest) in [
        ("registry:5000/x/y".to_owned(), "- -"),
        (format!("registry:5000/x/y:tag@{digest}"), "tag dddddddddddd"),
        (format!("registry:5000/x/y@{digest}"), "- dddddddddddd"),
    ] {
        cluster.deploy("cs-prod", "payments", &[("payments", &image)]);
        assert_eq!(reading(one(&cluster)).await.unwrap(), format!("cs-prod (cs-prod/payments): {image} {rest}"));
    }
    cluster.deploy("cs-prod", "payments", &[("payments", "no image at all")]);
    assert!(refused(one(&cluster)).await.reason().contains("\"no image at all\" that cannot be read"));
}

#[tokio::test]
async fn a_service_that_cannot_be_told_from_its_side_cars_is_not_guessed() {
    let cluster = cluster().await;
    let with = |rule| KubernetesOptions { container: rule, ..one(&cluster) };
    let none = refused(with(ContainerRule::Named("paymants".to_owned()))).await;
    assert!(matches!(none, Failure::Rejected { .. }));
    assert_eq!(
        none.reason(),
        "cs-prod (cs-prod/payments): no container is called paymants; there are cfssl (quay.io/side/cfssl:v1), nginx \
         (registry:5000/side/nginx), payments (quay.io/team/payments:1.4.2). Say in the configuration which container is the \
         service."
    );
    let twice = [("blue", "quay.io/team/payments:1"), ("green", "quay.io/team/payments:2"), ("nginx", "nginx")];
    cluster.deploy("cs-prod", "payments", &twice);
    let both = refused(with(ContainerRule::Image("quay.io/team/payments".to_owned()))).await;
    assert!(both.reason().contains("more than one container has an image of quay.io/team/payments"), "{both}");
    assert!(both.reason().contains("blue (quay.io/team/payments:1), green"), "{both}");
    assert!(!both.reason().contains("nginx"), "{both}");
}

/// HOCS-3: an incomplete rollout is an error that may be retried.
#[tokio::test]
async fn a_rollout_half_done_is_waited_for() {
    for (pointer, value, told) in [
        ("/metadata/generation", 8, "has not begun"),
        ("/status/updatedReplicas", 1, "of 3 pods 3 are there, 1 are of the newest version and 3 are available"),
        ("/status/availableReplicas", 2, "2 are available"),
        ("/status/replicas", 4, "4 are there"),
    ] {
        let cluster = cluster().await;
        cluster.change("cs-prod", "payments", pointer, json!(value));
        let failure = refused(one(&cluster)).await;
        assert!(matches!(failure, Failure::Retry { .. }), "{pointer}: {failure}");
        assert!(
            failure.reason().starts_with("cs-prod (cs-prod/payments): ") && failure.reason().contains(told),
            "{failure}"
        );
        Adapter::new(one(&cluster)).unwrap().probe().await.unwrap();
    }
    let cluster = cluster().await;
    cluster.change("cs-prod", "payments", "/spec/replicas", json!(0));
    let failure = refused(one(&cluster)).await;
    assert!(matches!(failure, Failure::Rejected { .. }) && failure.reason().contains("scaled to 0"), "{failure}");
}

#[tokio::test]
async fn pods_tell_the_digest_that_a_tag_hides() {
    let cluster = cluster().await;
    let id = |digit: &str| format!("quay.io/team/payments@sha256:{}", digit.repeat(64));
    let with_pods = || KubernetesOptions { read_pods: true, ..one(&cluster) };
    let tail = async || reading(with_pods()).await.map(|told| told.rsplit_once(' ').unwrap().1.to_owned());

    assert_eq!(tail().await.unwrap(), "-", "no pod says anything");
    cluster.pod("cs-prod", "payments", "payments", &format!("sha256:{}", "c".repeat(64)), false);
    assert_eq!(tail().await.unwrap(), "-", "that is the configuration's");
    cluster.pod("cs-prod", "payments", "payments", &format!("docker-pullable://{}", id("a")), false);
    cluster.pod("cs-prod", "payments", "payments", &id("b"), true);
    cluster.pod("cs-prod", "orders", "payments", &id("b"), false);
    cluster.pod("wcs-prod", "payments", "payments", &id("b"), false);
    assert_eq!(tail().await.unwrap(), "aaaaaaaaaaaa", "leaving pods, other workloads and other places do not count");

    cluster.pod("cs-prod", "payments", "payments", &id("b"), false);
    let failure = refused(with_pods()).await;
    assert!(matches!(failure, Failure::Rejected { .. }) && failure.reason().contains("A tag was moved"), "{failure}");

    cluster.hide_pods();
    let failure = refused(with_pods()).await;
    assert!(matches!(failure, Failure::Rejected { .. }) && failure.reason().contains("`list pods`"), "{failure}");
    assert!(Adapter::new(with_pods()).unwrap().probe().await.is_err());
    reading(one(&cluster)).await.unwrap();
}

#[tokio::test]
async fn what_may_pass_is_told_from_what_will_not() {
    let cluster = cluster().await;
    for fault in [Fault::Refuse(500), Fault::Refuse(503), Fault::HangUp, Fault::HalfBody] {
        cluster.server.control.down(Some(fault.clone()));
        let failure = refused(one(&cluster)).await;
        assert!(matches!(failure, Failure::Retry { after: None, .. }), "{fault:?}: {failure}");
    }
    cluster.server.control.down(Some(Fault::TooMany(17)));
    let failure = refused(one(&cluster)).await;
    let Failure::Retry { after, .. } = failure else { panic!("{failure}") };
    assert_eq!(after, Some(Duration::from_secs(17)));
    assert_eq!(cluster.server.control.calls().len(), 5, "nothing is repeated by itself");
    for (status, told) in [(401, "renew"), (403, "`get deployments`"), (302, "address")] {
        cluster.server.control.down(Some(Fault::Refuse(status)));
        let failure = refused(one(&cluster)).await;
        assert!(matches!(failure, Failure::Rejected { .. }) && failure.reason().contains(told), "{status}: {failure}");
    }
    cluster.server.control.down(None);

    let url = cluster.server.url();
    let stranger = KubernetesOptions::new(vec![place("cs-prod", explicit(&url, "wrong"))], named());
    assert!(refused(stranger).await.reason().contains("does not know us (401)"));
    let elsewhere = KubernetesOptions::new(vec![place("cs-qa", explicit(&url, TOKEN))], named());
    assert!(refused(elsewhere).await.reason().contains("no deployment payments in namespace cs-qa (404)"));
    drop(cluster);
    let nobody = KubernetesOptions::new(vec![place("cs-prod", explicit(&url, TOKEN))], named());
    assert!(matches!(refused(nobody).await, Failure::Retry { .. }));
}

fn kubeconfig(folder: &Path, cluster: &str, user: &str) -> Access {
    let path = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: other\nclusters:\n- name: c\n  cluster: {cluster}\nusers:\n- name: u\n  \
         user: {user}\ncontexts:\n- name: prod\n  context: {{cluster: c, user: u}}\n"
    );
    std::fs::write(&path, text).unwrap();
    Access::Kubeconfig { path, context: Some("prod".to_owned()), allow_exec: false }
}

/// A kubeconfig is read as `kubectl` reads it, except for entries that would run programs or weaken TLS
/// (security case 55).
#[tokio::test]
async fn a_kubeconfig_is_read_and_its_dangers_are_refused() {
    let (cluster, folder) = (cluster().await, tempfile::tempdir().unwrap());
    let server = format!("{{server: '{}'}}", cluster.server.url());
    let user = format!("{{token: {TOKEN}}}");
    let read = |access| KubernetesOptions::new(vec![place("cs-prod", access)], named());
    let told = reading(read(kubeconfig(folder.path(), &server, &user))).await.unwrap();
    assert!(told.contains("1.4.2"), "{told}");

    let ran = folder.path().join("ran");
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: touch, args: ['{}'], interactiveMode: Never}}}}",
        ran.display()
    );
    let failure = refused(read(kubeconfig(folder.path(), &server, &exec))).await;
    assert!(failure.reason().contains("wants to run a program to log in, which is not allowed"), "{failure}");
    assert!(!ran.exists());
    let helper = "{auth-provider: {name: gcp, config: {cmd-path: touch}}}";
    assert!(refused(read(kubeconfig(folder.path(), &server, helper))).await.reason().contains("not allowed"));

    let open = "{server: 'https://127.0.0.1:1', insecure-skip-tls-verify: true}";
    assert!(refused(read(kubeconfig(folder.path(), open, &user))).await.reason().contains("anybody could answer"));
    let clear = "{server: 'http://cluster.example'}";
    assert!(refused(read(kubeconfig(folder.path(), clear, &user))).await.reason().contains("it is not https"));

    let broken = kubeconfig(folder.path(), &server, &format!("{{token: {TOKEN}, token: [{TOKEN}"));
    assert!(matches!(refused(read(broken)).await, Failure::Rejected { .. }));
    let Access::Kubeconfig { path, .. } = kubeconfig(folder.path(), &server, &user) else { panic!() };
    let current = Access::Kubeconfig { path, context: None, allow_exec: false };
    assert!(refused(read(current)).await.reason().contains("Name another context"));
    let missing = Access::Kubeconfig { path: folder.path().join("none"), context: None, allow_exec: false };
    assert!(refused(read(missing)).await.reason().contains("cannot be read"));
}

/// A login program runs only where the configuration allows it, and its output is treated as a secret.
#[tokio::test]
async fn a_program_that_logs_in_runs_where_it_is_allowed() {
    let (cluster, folder) = (cluster().await, tempfile::tempdir().unwrap());
    let server = format!("{{server: '{}'}}", cluster.server.url());
    let script = folder.path().join("login");
    let login = |lines: &str| {
        std::fs::write(&script, lines).unwrap();
        let exec = "apiVersion: client.authentication.k8s.io/v1, command: sh, interactiveMode: Never";
        let user = format!("{{exec: {{{exec}, args: ['{}']}}}}", script.display());
        let Access::Kubeconfig { path, context, .. } = kubeconfig(folder.path(), &server, &user) else { panic!() };
        let access = Access::Kubeconfig { path, context, allow_exec: true };
        KubernetesOptions::new(vec![place("cs-prod", access)], named())
    };
    let version = "client.authentication.k8s.io/v1";
    let printed = json!({ "kind": "ExecCredential", "apiVersion": version, "status": { "token": TOKEN } });
    assert!(reading(login(&format!("echo '{printed}'"))).await.unwrap().contains("1.4.2"));
    let failure = refused(login(&format!("echo {TOKEN}; exit 3"))).await;
    assert!(failure.reason().contains("logging in fails"), "{failure}");
}

#[test]
fn options_that_cannot_work_are_refused_at_once() {
    let new = |places: Vec<Place>, rule: ContainerRule| {
        Adapter::new(KubernetesOptions::new(places, rule)).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let fine = |name: &str| place(name, Access::InCluster);
    assert_eq!(new(vec![fine("a")], named()), "");
    assert_eq!(new(vec![], named()), KubernetesOptionsError::NoPlace.to_string());
    assert!(new(vec![fine("a"), fine("a")], named()).contains("two places in clusters are called \"a\""));
    assert!(new(vec![fine("../kube-system")], named()).contains("the namespace \"../kube-system\" is no name"));
    assert!(new(vec![Place { deployment: "a/b?x".to_owned(), ..fine("a") }], named()).contains("the deployment"));
    assert!(new(vec![fine("a")], ContainerRule::Named("A".to_owned())).contains("the container"));
    assert!(new(vec![fine("a")], ContainerRule::Image("quay.io/x:1".to_owned())).contains("it has a tag or a digest"));
    for (url, why) in [
        ("http://cluster.example", "it is not https"),
        ("cluster.example", "it is not https"),
        ("https://bot:hush@cluster.example", "it has a password in it"),
        ("http://[bad", "it is no URL"),
    ] {
        let told = new(vec![place("a", explicit(url, TOKEN))], named());
        assert!(told.contains(why) && !told.contains("hush"), "{told}");
    }
}
