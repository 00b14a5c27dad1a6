"""PyGithub goes through the life of a pull request, as a person would, against the GitHub at URL. `fix` is one commit ahead of
`main`, which has a check run by an App; `long` is 300 commits ahead. An App with the key APP_KEY reports a check of its own."""

import os

from github import Auth, Github, GithubException, GithubIntegration

URL = os.environ["URL"]


def login(auth):
    # It is to see what it is told, not to try again until it hears something else.
    return Github(auth=auth, base_url=URL, retry=None, seconds_between_requests=0, seconds_between_writes=0)


def refused(act, status, words):
    try:
        act()
    except GithubException as error:
        assert error.status == status and words in str(error.data), (error.status, error.data)
    else:
        raise AssertionError(f"this should be refused with {status} {words}")


def same(seen, wanted):
    assert seen == wanted, f"{seen!r} is not {wanted!r}"


ada = login(Auth.Token(os.environ["TOKEN"]))
grace = login(Auth.Token(os.environ["REVIEWER"]))

# Who is who.
same(ada.get_user().login, "ada")
refused(lambda: login(Auth.Token("wrong")).get_repo("team/payments"), 401, "Bad credentials")
refused(lambda: ada.get_repo("team/nothing"), 404, "Not Found")
repo = ada.get_repo("team/payments")
same((repo.full_name, repo.default_branch, repo.private, repo.permissions.push), ("team/payments", "main", True, True))

# Branches.
main, fix = (repo.get_branch(name).commit.sha for name in ("main", "fix"))
made = repo.create_git_ref("refs/heads/release/one", main)
same((made.ref, made.object.sha, made.object.type), ("refs/heads/release/one", main, "commit"))
refused(lambda: repo.create_git_ref("refs/heads/release/one", main), 422, "Reference already exists")
same(repo.get_branch("release/one").commit.sha, main)
same([it.ref for it in repo.get_git_matching_refs("heads/release")], ["refs/heads/release/one"])
made.edit(fix)
refused(lambda: made.edit(main), 422, "not a fast forward")
made.edit(main, force=True)
made.delete()
refused(lambda: repo.get_git_ref("heads/release/one"), 404, "Not Found")

# A pull request.
between = {"base": "main", "head": "fix", "title": "Fix the fees", "body": "They were wrong."}
pull = repo.create_pull(**between)
same((pull.state, pull.head.sha, pull.base.sha, pull.user.login), ("open", fix, main, "ada"))
refused(lambda: repo.create_pull(**between), 422, "A pull request already exists for team:fix")
refused(lambda: repo.create_pull(**{**between, "head": "nowhere"}), 422, "head")
pull = repo.get_pull(pull.number)
same((pull.mergeable, pull.merged, pull.commits, pull.changed_files), (True, False, 1, 1))
same([it.number for it in repo.get_pulls(head="team:fix", base="main")], [pull.number])
pull.edit(title="Fix all the fees")

# Labels and comments.
pull.add_to_labels("hotfix", "needs: a look")
pull.remove_from_labels("needs: a look")
same([it.name for it in pull.get_labels()], ["hotfix"])
refused(lambda: pull.remove_from_labels("never"), 404, "Label does not exist")
issue = repo.get_issue(pull.number)
events = [(it.event, it.label.name, it.actor.login) for it in issue.get_events()]
same([it[:2] for it in events], [("labeled", "hotfix"), ("labeled", "needs: a look"), ("unlabeled", "needs: a look")])
same([(it.number, it.title) for it in repo.get_issues(labels=["hotfix"])], [(pull.number, "Fix all the fees")])
pull.create_issue_comment("Deploy this today")
same([(it.user.login, it.body) for it in pull.get_issue_comments()], [("ada", "Deploy this today")])

# Reviews.
refused(lambda: pull.create_review(event="APPROVE"), 422, "approve your own pull request")
grace.get_repo("team/payments").get_pull(pull.number).create_review(event="REQUEST_CHANGES", body="No")
grace.get_repo("team/payments").get_pull(pull.number).create_review(event="APPROVE")
reviews = [(it.user.login, it.state, it.commit_id) for it in pull.get_reviews()]
same(reviews, [("grace", "CHANGES_REQUESTED", fix), ("grace", "APPROVED", fix)])

# Statuses, and check runs by two Apps.
commit = repo.get_commit(fix)
for state in ("pending", "success"):
    commit.create_status(state, context="ci/build", description="builds")
same([(it.context, it.state) for it in commit.get_statuses()], [("ci/build", "success"), ("ci/build", "pending")])
combined = commit.get_combined_status()
same((combined.state, combined.total_count, combined.sha), ("success", 1, fix))
app = Auth.AppAuth(int(os.environ["APP"]), os.environ["APP_KEY"])
integration = GithubIntegration(auth=app, base_url=URL, retry=None, seconds_between_requests=0, seconds_between_writes=0)
installation = int(os.environ["INSTALLATION"])
same((integration.get_app().slug, integration.get_repo_installation("team", "payments").id), ("ci", installation))
refused(lambda: integration.get_repo_installation("team", "nothing"), 404, "Not Found")
robot = login(app.get_installation_auth(installation)).get_repo("team/payments")
check = robot.create_check_run("build", fix, status="completed", conclusion="failure")
same((check.status, check.conclusion, check.app.slug), ("completed", "failure", "ci"))
seen = sorted((it.name, it.app.slug, it.conclusion) for it in commit.get_check_runs())
same(seen, [("build", "ci", "failure"), ("build", "github-actions", "success")])
refused(lambda: robot.create_pull(**between), 403, "Resource not accessible by integration")

# The merge.
same(pull.is_merged(), False)
refused(lambda: pull.merge(sha=main), 409, "Head branch was modified")
merged = pull.merge(sha=fix, commit_title="Merge the fix", commit_message="Approved.")
same((merged.merged, pull.is_merged()), (True, True))
refused(lambda: pull.merge(sha=fix), 405, "not mergeable")
pull = repo.get_pull(pull.number)
same((pull.state, pull.merge_commit_sha, pull.merged_by.login), ("closed", merged.sha, "ada"))
commit = repo.get_commit("main")
same((commit.sha, [it.sha for it in commit.parents]), (merged.sha, [main, fix]))

# Comparisons.
range_ = repo.compare(main, "long")
same((range_.status, range_.ahead_by, range_.total_commits), ("ahead", 300, 300))
messages = [it.commit.message for it in range_.commits]
same((len(messages), messages[0], messages[299]), (300, "Commit 1", "Commit 300"))
same(sum(1 for _ in repo.get_commits(sha="long")), 301)

# Deployments.
refused(lambda: repo.create_deployment("nowhere"), 422, "No ref found")
for state in ("failure", "success"):
    deployment = repo.create_deployment("main", environment="production", required_contexts=[], payload={"by": "HF-1"})
    deployment.create_status("in_progress")
    deployment.create_status(state)
same((deployment.sha, deployment.payload), (merged.sha, {"by": "HF-1"}))
past = [[it.state for it in each.get_statuses()] for each in repo.get_deployments(environment="production")]
same(past, [["success", "in_progress"], ["failure", "in_progress"]])

# Workflows.
workflow = repo.get_workflow("deploy.yml")
same(workflow.create_dispatch("main", {"hotfix_id": "HF-1"}), True)
refused(lambda: workflow.create_dispatch("main", {"other": "x"}, throw=True), 422, "Unexpected inputs provided")
run = repo.get_workflow_run(workflow.get_runs(event="workflow_dispatch")[0].id)
same((run.display_title, run.status, run.head_sha, run.event), ("Deploy HF-1", "queued", merged.sha, "workflow_dispatch"))

# More than fits on a page.
for count in range(1, 121):
    repo.create_issue(f"Issue {count}", labels=["many"])
every = [it.title for it in repo.get_issues(labels=["many"])]
same((len(every), len(set(every)), every[0], every[119]), (120, 120, "Issue 120", "Issue 1"))
