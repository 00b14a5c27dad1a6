//! Commit statuses, pipelines, jobs and deployments.

use axum::http::Method;
use serde_json::{Value, json};

use super::api::{Answer, Call, Reply, missing};
use super::state::{Pipeline, Status, World};
use crate::objects::{commit_named, tag, tip};

pub(super) fn statuses(world: &mut World, call: &Call, project: &str, path: &[&str]) -> Answer {
    let ["commits", sha, _] = path else { return Err(missing()) };
    let place = world.project(project).place.clone();
    if commit_named(&place, sha).is_none() {
        return Err(Reply::error(404, "404 Commit Not Found"));
    }
    let all = call.flag("all");
    let wanted = |status: &&Status| status.sha == *sha && (all || !status.retried);
    let found: Vec<Value> = {
        let project = &world.projects[project];
        project.statuses.iter().rev().filter(wanted).map(|status| status_json(world, status)).collect()
    };
    Ok(Value::Array(found))
}

fn status_json(world: &World, status: &Status) -> Value {
    json!({ "id": status.id, "sha": status.sha, "ref": status.reference, "name": status.name, "status": status.status,
            "author": world.user_json(status.author), "created_at": status.at.to_string(), "allow_failure": false,
            "target_url": null, "description": null, "pipeline_id": status.pipeline })
}

/// Reports an external commit status of the calling account.
pub(super) fn report(world: &mut World, call: &Call, project: &str, sha: &str) -> Answer {
    let state = call.need("state")?;
    if !["pending", "running", "success", "failed", "canceled", "skipped"].contains(&state.as_str()) {
        return Err(Reply { status: 400, body: json!({ "error": "state does not have a valid value" }) });
    }
    let name = call.text("name").or_else(|| call.text("context")).unwrap_or_else(|| "default".to_owned());
    let id = world.report(project, sha, call.user, &name, &state);
    let status = world.projects[project].statuses.iter().find(|status| status.id == id).unwrap();
    Ok(status_json(world, status))
}

/// Starts a pipeline on a branch or tag, with variables.
pub(super) fn run(world: &mut World, call: &Call, project: &str) -> Answer {
    if call.method != Method::POST {
        return Err(Reply::error(405, "405 Method Not Allowed"));
    }
    let reference = call.need("ref")?;
    let refuse = |why: &str| Reply::error(400, json!({ "base": [why] }));
    let it = world.project(project);
    let sha = tip(&it.place, &reference).or_else(|| tag(&it.place, &reference));
    let sha = sha.ok_or_else(|| refuse("Reference not found"))?;
    if !it.settings.ci {
        return Err(refuse("Missing CI config file"));
    }
    let mut variables = Vec::new();
    for variable in call.said.get("variables").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| variable.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(key), Some(value)) = (text("key"), text("value")) else {
            return Err(Reply { status: 400, body: json!({ "error": "variables[0][key] is missing" }) });
        };
        variables.push((key, value));
    }
    let (id, created) = (world.id(), world.now());
    let (status, source) = ("created".to_owned(), "api".to_owned());
    let pipeline = Pipeline { id, reference, sha, status, source, variables, created, finished: None };
    let shown = pipeline_json(world, project, &pipeline);
    world.project(project).pipelines.push(pipeline);
    Ok(shown)
}

pub(super) fn pipelines(world: &mut World, call: &Call, project: &str, path: &[&str]) -> Answer {
    if let [id, "cancel"] = path
        && call.method == Method::POST
    {
        let at = world.now();
        let known = world.project(project).pipelines.iter_mut().find(|it| it.id.to_string() == *id);
        let known = known.ok_or_else(missing)?;
        "canceled".clone_into(&mut known.status);
        known.finished = Some(at);
        return Ok(json!({ "id": known.id, "status": "canceled" }));
    }
    if call.method != Method::GET {
        return Err(Reply::error(405, "405 Method Not Allowed"));
    }
    let Some((id, rest)) = path.split_first() else {
        let wanted = |name: &str, value: &str| call.text(name).is_none_or(|wanted| wanted == value);
        let found = world.projects[project].pipelines.iter().rev().filter(|it| {
            wanted("ref", &it.reference)
                && wanted("sha", &it.sha)
                && wanted("source", &it.source)
                && wanted("status", &it.status)
        });
        return Ok(found.map(|it| pipeline_json(world, project, it)).collect());
    };
    let known = world.projects[project].pipelines.iter().find(|it| it.id.to_string() == *id);
    let pipeline = known.ok_or_else(missing)?;
    match rest {
        [] => Ok(pipeline_json(world, project, pipeline)),
        ["variables"] => {
            let shown =
                |(key, value): &(String, String)| json!({ "key": key, "value": value, "variable_type": "env_var" });
            Ok(pipeline.variables.iter().map(shown).collect())
        }
        ["jobs"] => {
            let retried = call.flag("include_retried");
            let jobs = world.projects[project].statuses.iter().filter(|it| it.job && it.pipeline == Some(pipeline.id));
            Ok(jobs.filter(|it| retried || !it.retried).map(|it| status_json(world, it)).collect())
        }
        ["bridges"] => Ok(json!([])),
        _ => Err(missing()),
    }
}

fn pipeline_json(world: &World, project: &str, it: &Pipeline) -> Value {
    json!({ "id": it.id, "project_id": world.projects[project].id, "sha": it.sha, "ref": it.reference,
            "status": it.status, "source": it.source, "created_at": it.created.to_string(),
            "updated_at": it.finished.unwrap_or(it.created).to_string(),
            "finished_at": it.finished.map(|at| at.to_string()),
            "web_url": format!("{}/{project}/-/pipelines/{}", world.base, it.id) })
}

pub(super) fn deployments(world: &mut World, call: &Call, project: &str) -> Answer {
    let wanted = |name: &str, value: &str| call.text(name).is_none_or(|wanted| wanted == value);
    let mut found: Vec<_> = world.projects[project]
        .deployments
        .iter()
        .filter(|it| wanted("environment", &it.environment) && wanted("status", &it.status))
        .collect();
    if call.text("sort").as_deref() == Some("desc") {
        found.reverse();
    }
    let shown = |it: &&super::state::Deployment| {
        json!({ "id": it.id, "iid": it.id, "ref": "main", "sha": it.sha, "status": it.status,
                "created_at": it.at.to_string(), "updated_at": it.at.to_string(),
                "environment": { "name": it.environment },
                "deployable": { "id": it.id, "status": it.status, "finished_at": it.at.to_string() } })
    };
    Ok(found.iter().map(shown).collect())
}
