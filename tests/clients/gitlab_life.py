"""python-gitlab goes through the life of a merge request, as a person would, against the GitLab at URL."""

import os

import gitlab
from gitlab.exceptions import GitlabError

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]


def refused(act, status, words):
    try:
        act()
    except GitlabError as error:
        said = f"{error.error_message} {error.response_body}"
        assert error.response_code == status and words in said, (error.response_code, said)
    else:
        raise AssertionError(f"this should be refused with {status} {words}")


def same(seen, wanted):
    assert seen == wanted, f"{seen!r} is not {wanted!r}"


server = gitlab.Gitlab(URL, private_token=TOKEN, retry_transient_errors=False)

# Who is who.
server.auth()
same(server.user.username, "hotfix-bot")
refused(gitlab.Gitlab(URL, private_token="wrong").auth, 401, "401 Unauthorized")
refused(gitlab.Gitlab(URL, oauth_token="wrong").auth, 401, "401 Unauthorized")
gitlab.Gitlab(URL, oauth_token=TOKEN).auth()
refused(lambda: server.projects.get("team/nothing"), 404, "404 Project Not Found")
project = server.projects.get("team/payments")
same((project.path_with_namespace, project.default_branch), ("team/payments", "main"))
same(server.projects.get(project.id).path_with_namespace, "team/payments")


# Commits and branches.
def commit(branch, act, content, **more):
    action = {"action": act, "file_path": "config/fees.yaml", "content": content}
    return project.commits.create({"branch": branch, "commit_message": f"{act} on {branch}", "actions": [action], **more})


first = commit("main", "create", "fee: 1\n")
same((first.title, first.parent_ids), ("create on main", []))
project.branches.create({"branch": "release/one", "ref": "main"})
same(project.branches.get("release/one").commit["id"], first.id)
refused(lambda: project.branches.create({"branch": "release/one", "ref": "main"}), 400, "Branch already exists")
refused(lambda: project.branches.create({"branch": "other", "ref": "nowhere"}), 400, "Invalid reference name")
refused(lambda: project.branches.get("nowhere"), 404, "404 Branch Not Found")
fix = commit("fix", "update", "fee: 2\n", start_branch="main")
refused(lambda: commit("fix", "create", "fee: 3\n"), 400, "A file with this name already exists")
refused(lambda: commit("fix", "update", "fee: 3\n", start_branch="main"), 400, "already exists")
same(sorted(it.name for it in project.branches.list(get_all=True)), ["fix", "main", "release/one"])
project.branches.delete("release/one")
same([it.id for it in project.commits.list(ref_name="main..fix", get_all=True)], [fix.id])
same((project.commits.get("fix").id, project.commits.get("fix").message), (fix.id, "update on fix"))
refused(lambda: project.commits.get("5" * 40), 404, "404 Commit Not Found")

# A merge request.
between = {"source_branch": "fix", "target_branch": "main", "title": "Fix the fees", "labels": ["hotfix"]}
merge = project.mergerequests.create(between)
same((merge.state, merge.sha, merge.author["username"], merge.labels), ("opened", fix.id, "hotfix-bot", ["hotfix"]))
refused(lambda: project.mergerequests.create(between), 409, "Another open merge request already exists")
refused(lambda: project.mergerequests.create({**between, "source_branch": "main"}), 422, "same project/branch")
untitled = {"source_branch": "fix", "target_branch": "main"}
refused(lambda: server.http_post(f"/projects/{project.id}/merge_requests", post_data=untitled), 400, "title is missing")
merge = project.mergerequests.get(merge.iid)
same((merge.detailed_merge_status, merge.has_conflicts, merge.draft), ("mergeable", False, False))
found = project.mergerequests.list(source_branch="fix", target_branch="main", state="opened", get_all=True)
same([it.iid for it in found], [merge.iid])
same(project.mergerequests.list(source_branch="nowhere", get_all=True), [])
refused(lambda: project.mergerequests.get(4711), 404, "404")

# Labels and comments.
merge.labels = ["hotfix", "urgent"]
merge.title = "Fix all the fees"
merge.save()
merge = project.mergerequests.get(merge.iid)
same((merge.title, merge.labels), ("Fix all the fees", ["hotfix", "urgent"]))
server.http_put(f"/projects/{project.id}/merge_requests/{merge.iid}", post_data={"remove_labels": "urgent"})
said = [(it.action, it.label["name"], it.user["username"]) for it in merge.resourcelabelevents.list(get_all=True)]
same(said[-2:], [("add", "urgent", "hotfix-bot"), ("remove", "urgent", "hotfix-bot")])
same([it.iid for it in project.mergerequests.list(labels=["hotfix"], get_all=True)], [merge.iid])
same(project.mergerequests.list(labels=["urgent"], get_all=True), [])
merge.notes.create({"body": "Deploy this today"})
notes = [(it.body, it.system) for it in merge.notes.list(get_all=True) if not it.system]
same(notes, [("Deploy this today", False)])
refused(lambda: merge.notes.create({"body": ""}), 400, "can't be blank")

# Approvals.
refused(lambda: merge.approve(sha=first.id), 409, "SHA does not match HEAD of source branch")
merge.approve(sha=fix.id)
same([it["user"]["username"] for it in merge.approvals.get().approved_by], ["hotfix-bot"])
refused(lambda: merge.approve(), 401, "401 Unauthorized")
merge.unapprove()
same(merge.approvals.get().approved_by, [])

# Statuses.
seen = project.commits.get(fix.id)
for state in ("running", "success", "running", "success"):
    seen.statuses.create({"state": state, "name": "ci/build", "ref": "fix"})
refused(lambda: seen.statuses.create({"state": "well"}), 400, "does not have a valid value")
same([(it.name, it.status) for it in seen.statuses.list(get_all=True)], [("ci/build", "success")])
same(len(seen.statuses.list(query_parameters={"all": True}, get_all=True)), 2)

# The merge.
refused(lambda: merge.merge(sha=first.id), 409, "SHA does not match HEAD of source branch")
merge.merge(sha=fix.id, merge_commit_message="Merge the fix")
same(merge.state, "merged")
merge = project.mergerequests.get(merge.iid)
top = project.commits.get("main")
same((merge.merge_commit_sha, top.parent_ids, top.message), (top.id, [first.id, fix.id], "Merge the fix"))
refused(lambda: merge.merge(sha=fix.id), 405, "405 Method Not Allowed")

# Another, which is given up.
commit("late", "update", "fee: 4\n", start_branch="main")
other = project.mergerequests.create({**between, "source_branch": "late"})
other.state_event = "close"
other.save()
same(project.mergerequests.get(other.iid).state, "closed")
same([it.iid for it in project.mergerequests.list(state="all", get_all=True)], [other.iid, merge.iid])

# Pipelines.
refused(lambda: project.pipelines.create({"ref": "nowhere"}), 400, "Reference not found")
variables = [{"key": "HOTFIX", "value": "HF-1"}, {"key": "TARGET", "value": "production"}]
pipeline = project.pipelines.create({"ref": "main", "variables": variables})
same((pipeline.sha, pipeline.ref, pipeline.source, pipeline.status), (top.id, "main", "api", "created"))
pipeline = project.pipelines.get(pipeline.id)
same([(it.key, it.value) for it in pipeline.variables.list(get_all=True)], [("HOTFIX", "HF-1"), ("TARGET", "production")])
same([it.id for it in project.pipelines.list(ref="main", source="api", get_all=True)], [pipeline.id])
same(pipeline.jobs.list(get_all=True), [])
pipeline.cancel()
same(project.pipelines.get(pipeline.id).status, "canceled")
refused(lambda: project.pipelines.get(4711), 404, "404")

# Deployments, which somebody else made.
wanted = {"environment": "production", "status": "success", "order_by": "updated_at", "sort": "desc"}
deployed = project.deployments.list(**wanted, get_all=True)
same([(it.sha[0], it.environment["name"], it.status) for it in deployed], [("3", "production", "success"), ("1", "production", "success")])

# More than fits on a page.
for count in range(1, 121):
    project.issues.create({"title": f"Issue {count}", "labels": "many"})
every = [it.title for it in project.issues.list(labels=["many"], get_all=True)]
same((len(every), len(set(every)), every[0]), (120, 120, "Issue 120"))
page = project.issues.list(labels=["many"], per_page=50, iterator=True)
same((page.total, page.total_pages, page.per_page, len(list(page))), (120, 3, 50, 120))
same(len(project.issues.list(labels=["many"], get_all=False)), 20)
