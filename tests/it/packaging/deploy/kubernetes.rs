//! `.github/kubernetes.yaml`.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::{assert_ends_before, assert_is_enough_memory, assert_is_probe, config, python_tool};
use crate::{
    harness::{output, read, text},
    packaging::{documents, value_of},
};

const FILE: &str = ".github/kubernetes.yaml";

/// The one object of a kind.
fn object(kind: &str) -> Value {
    let documents = documents(FILE);
    let mut objects = documents
        .into_iter()
        .filter(|object| object["kind"] == kind);
    let object = objects.next().expect(kind);
    assert!(objects.next().is_none(), "{kind} is there twice");
    object
}

/// What runs in the one container of the one pod.
fn container() -> Value {
    let containers = object("Deployment")["spec"]["template"]["spec"]["containers"].take();
    let [container] = serde_json::from_value::<[Value; 1]>(containers).unwrap();
    container
}

#[tokio::test]
async fn the_schemas_of_kubernetes_allow_all_of_it() {
    for version in ["1.27", "1.37"] {
        let Some(mut validate) = python_tool("kubernetes-validate") else {
            return;
        };
        validate.args(["--strict", "--kubernetes-version", version, FILE]);
        validate.current_dir(env!("CARGO_MANIFEST_DIR"));
        let validated = output(validate).await;
        assert!(validated.status.success(), "{validated:?}");
        let passed = text(&validated.stdout)
            .matches(" passed for resource ")
            .count();
        assert_eq!(passed, documents(FILE).len(), "{validated:?}");
    }
}

#[test]
fn the_pod_fits_the_service() {
    let container = container();
    let variable = |variable: &Value| {
        let name = variable["name"].as_str().unwrap().to_owned();
        let secret = &variable["valueFrom"]["secretKeyRef"];
        let value = variable["value"].as_str().unwrap_or_else(|| {
            // The header of the file makes the secret.
            let key = secret["key"].as_str().unwrap();
            assert!(
                read(FILE).contains(&format!("--from-literal={key}=")),
                "{key}"
            );
            "a-token"
        });
        (name, value.to_owned())
    };
    let variables = container["env"].as_array().unwrap().iter().map(variable);
    let mut variables: BTreeMap<_, _> = variables.collect();
    variables.insert(
        "PORT".to_owned(),
        value_of(&read("Dockerfile"), "ENV PORT="),
    );
    let config = config(&variables);
    assert!(config.webhook_tokens.is_some() && config.read_tokens.is_some());
    let port = &container["ports"][0];
    assert_eq!(port["containerPort"], config.address().port());
    assert_eq!(
        object("Service")["spec"]["ports"][0]["targetPort"],
        port["name"]
    );
    let memory = container["resources"]["limits"]["memory"].as_str().unwrap();
    assert_is_enough_memory(&config, memory.parse().unwrap());
    let pod = object("Deployment")["spec"]["template"]["spec"].take();
    let grace = pod["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert_ends_before(&config, Duration::from_secs(grace));
}

#[tokio::test]
async fn the_probes_ask_the_service_at_its_own_paths() {
    let container = container();
    for (probe, path) in [("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")] {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["path"], path);
        assert_eq!(get["port"], container["ports"][0]["name"]);
        assert_is_probe(path).await;
    }
    // A restart costs more than an update that is late.
    let liveness = &container["livenessProbe"];
    let patience = liveness["periodSeconds"].as_u64().unwrap()
        * liveness["failureThreshold"].as_u64().unwrap();
    assert!(patience >= 60, "{patience} s");
}

#[test]
fn the_pod_is_confined_and_runs_as_the_user_of_the_image() {
    let pod = object("Deployment")["spec"]["template"]["spec"].take();
    let context = &pod["securityContext"];
    let user = &context["runAsUser"];
    let dockerfile = read("Dockerfile");
    assert!(dockerfile.contains(&format!("{user}:{user}")), "{user}");
    for of in ["runAsUser", "runAsGroup", "fsGroup"] {
        assert_eq!(context[of], *user, "{of}");
    }
    assert_eq!(context["runAsNonRoot"], true);
    assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(pod["automountServiceAccountToken"], false);
    let expected = json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": {"drop": ["ALL"]},
    });
    assert_eq!(container()["securityContext"], expected);
}

#[test]
fn one_pod_at_a_time_has_the_volume() {
    let spec = object("Deployment")["spec"].take();
    assert_eq!(spec["replicas"], 1);
    assert_eq!(spec["strategy"]["type"], "Recreate");
    let pod = &spec["template"]["spec"];
    let claim = &pod["volumes"][0]["persistentVolumeClaim"]["claimName"];
    assert_eq!(*claim, object("PersistentVolumeClaim")["metadata"]["name"]);
    assert_eq!(container()["volumeMounts"][0]["mountPath"], "/data");
    let selected = &object("Service")["spec"]["selector"];
    assert_eq!(*selected, spec["template"]["metadata"]["labels"]);
    assert_eq!(*selected, spec["selector"]["matchLabels"]);
}
