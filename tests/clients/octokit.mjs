// octokit goes through the life of a pull request, as a person would, against the GitHub at URL. `fix` is one commit ahead of
// `main`, which has a check run by an App; `long` is 300 commits ahead.
import assert from "node:assert/strict";
import { Octokit } from "@octokit/rest";

const { URL: baseUrl, TOKEN, REVIEWER } = process.env;
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const as = (auth) => new Octokit({ baseUrl, auth, log: silent });
const octokit = as(TOKEN);
const repo = { owner: "team", repo: "payments" };

async function refused(promise, status, words) {
  const error = await promise.then(
    () => assert.fail(`this should be refused with ${status}`),
    (error) => error,
  );
  const said = `${error.message} ${JSON.stringify(error.response?.data)}`;
  assert.equal(error.status, status, said);
  assert.match(said, words);
}

// Who is who.
assert.equal((await octokit.rest.users.getAuthenticated()).data.login, "ada");
await refused(as("wrong").rest.repos.get(repo), 401, /Bad credentials/);
await refused(as(undefined).rest.repos.get(repo), 401, /Requires authentication/);
await refused(octokit.rest.repos.get({ owner: "team", repo: "nothing" }), 404, /Not Found/);
const found = await octokit.rest.repos.get(repo);
assert.deepEqual([found.data.full_name, found.data.default_branch], ["team/payments", "main"]);
await refused(octokit.rest.repos.get({ ...repo, headers: { "if-none-match": found.headers.etag } }), 304, /./);

// Branches.
const main = (await octokit.rest.repos.getBranch({ ...repo, branch: "main" })).data.commit.sha;
const ref = "refs/heads/release/one";
const made = await octokit.rest.git.createRef({ ...repo, ref, sha: main });
assert.deepEqual([made.data.ref, made.data.object.sha], [ref, main]);
await refused(octokit.rest.git.createRef({ ...repo, ref, sha: main }), 422, /Reference already exists/);
assert.equal((await octokit.rest.git.getRef({ ...repo, ref: "heads/release/one" })).data.object.sha, main);
const names = (await octokit.rest.repos.listBranches(repo)).data.map((branch) => branch.name);
assert.deepEqual(names.sort(), ["fix", "long", "main", "release/one"]);
const fix = (await octokit.rest.repos.getBranch({ ...repo, branch: "fix" })).data.commit.sha;
await octokit.rest.git.updateRef({ ...repo, ref: "heads/release/one", sha: fix });
await refused(octokit.rest.git.updateRef({ ...repo, ref: "heads/release/one", sha: main }), 422, /not a fast forward/);
await octokit.rest.git.updateRef({ ...repo, ref: "heads/release/one", sha: main, force: true });

// A pull request.
const between = { ...repo, head: "fix", base: "main", title: "Fix the fees", body: "They were wrong." };
const opened = await octokit.rest.pulls.create(between);
assert.equal(opened.status, 201);
const pull = { ...repo, pull_number: opened.data.number };
const issue = { ...repo, issue_number: opened.data.number };
await refused(octokit.rest.pulls.create(between), 422, /A pull request already exists for team:fix/);
await refused(octokit.rest.pulls.create({ ...between, head: "release/one" }), 422, /No commits between main and release\/one/);
await refused(octokit.rest.pulls.create({ ...between, head: "nowhere" }), 422, /"field":"head"/);
const read = (await octokit.rest.pulls.get(pull)).data;
assert.deepEqual([read.state, read.merged, read.mergeable, read.head.sha, read.base.sha], ["open", false, true, fix, main]);
assert.deepEqual([read.commits, read.changed_files, read.additions, read.user.login], [1, 1, 1, "ada"]);
const listed = (await octokit.rest.pulls.list({ ...repo, head: "team:fix", base: "main" })).data;
assert.deepEqual(listed.map((it) => it.number), [pull.pull_number]);
assert.deepEqual((await octokit.rest.pulls.list({ ...repo, head: "team:other" })).data, []);
await octokit.rest.pulls.update({ ...pull, title: "Fix all the fees" });

// Labels and comments.
await octokit.rest.issues.addLabels({ ...issue, labels: ["hotfix", "needs: a look/now"] });
await octokit.rest.issues.removeLabel({ ...issue, name: "needs: a look/now" });
await refused(octokit.rest.issues.removeLabel({ ...issue, name: "never" }), 404, /Label does not exist/);
const labels = (await octokit.rest.issues.listLabelsOnIssue(issue)).data.map((label) => label.name);
assert.deepEqual(labels, ["hotfix"]);
const events = (await octokit.rest.issues.listEvents(issue)).data.map((it) => [it.event, it.label.name, it.actor.login]);
assert.deepEqual(events, [
  ["labeled", "hotfix", "ada"],
  ["labeled", "needs: a look/now", "ada"],
  ["unlabeled", "needs: a look/now", "ada"],
]);
const labelled = (await octokit.rest.issues.listForRepo({ ...repo, labels: "hotfix" })).data;
assert.deepEqual(labelled.map((it) => [it.number, it.title, it.pull_request !== undefined]), [[pull.pull_number, "Fix all the fees", true]]);
await octokit.rest.issues.createComment({ ...issue, body: "Deploy this today" });
const comments = (await octokit.rest.issues.listComments(issue)).data;
assert.deepEqual(comments.map((it) => [it.user.login, it.body]), [["ada", "Deploy this today"]]);

// Reviews.
await refused(octokit.rest.pulls.createReview({ ...pull, event: "APPROVE" }), 422, /approve your own pull request/);
await octokit.rest.pulls.createReview({ ...pull, event: "COMMENT", body: "What do you think?" });
await as(REVIEWER).rest.pulls.createReview({ ...pull, event: "APPROVE" });
const reviews = (await octokit.rest.pulls.listReviews(pull)).data.map((it) => [it.user.login, it.state, it.commit_id]);
assert.deepEqual(reviews, [["ada", "COMMENTED", fix], ["grace", "APPROVED", fix]]);

// Statuses and check runs.
const status = { ...repo, sha: fix, context: "ci/build" };
for (const state of ["pending", "success"]) await octokit.rest.repos.createCommitStatus({ ...status, state });
const statuses = (await octokit.rest.repos.listCommitStatusesForRef({ ...repo, ref: "fix" })).data;
assert.deepEqual(statuses.map((it) => [it.context, it.state]), [["ci/build", "success"], ["ci/build", "pending"]]);
const combined = (await octokit.rest.repos.getCombinedStatusForRef({ ...repo, ref: fix })).data;
assert.deepEqual([combined.state, combined.total_count, combined.sha], ["success", 1, fix]);
const runs = (await octokit.rest.checks.listForRef({ ...repo, ref: fix })).data;
assert.deepEqual([runs.total_count, runs.check_runs[0].name, runs.check_runs[0].app.slug, runs.check_runs[0].conclusion], [1, "build", "github-actions", "success"]);
await refused(octokit.rest.checks.create({ ...repo, name: "mine", head_sha: fix }), 403, /GitHub App/);

// The merge.
await refused(octokit.rest.pulls.checkIfMerged(pull), 404, /./);
await refused(octokit.rest.pulls.merge({ ...pull, sha: main }), 409, /Head branch was modified/);
const merged = (await octokit.rest.pulls.merge({ ...pull, sha: fix, commit_title: "Merge the fix", commit_message: "Approved." })).data;
assert.equal(merged.merged, true);
assert.equal((await octokit.rest.pulls.checkIfMerged(pull)).status, 204);
await refused(octokit.rest.pulls.merge({ ...pull, sha: fix }), 405, /not mergeable/);
const after = (await octokit.rest.pulls.get(pull)).data;
assert.deepEqual([after.state, after.merged, after.merge_commit_sha, after.merged_by.login], ["closed", true, merged.sha, "ada"]);
const commit = (await octokit.rest.repos.getCommit({ ...repo, ref: "main" })).data;
assert.deepEqual([commit.sha, commit.parents.map((it) => it.sha)], [merged.sha, [main, fix]]);
assert.equal(commit.commit.message, "Merge the fix\n\nApproved.");
await refused(octokit.rest.pulls.update({ ...pull, state: "open" }), 422, /merged/);

// Another, of which nothing comes.
const other = (await octokit.rest.pulls.create({ ...between, head: "long" })).data.number;
await octokit.rest.pulls.update({ ...repo, pull_number: other, state: "closed" });
assert.equal((await octokit.rest.pulls.get({ ...repo, pull_number: other })).data.merged, false);
assert.deepEqual((await octokit.rest.pulls.list({ ...repo, state: "all" })).data.map((it) => it.number), [other, pull.pull_number]);

// Comparisons.
const range = { ...repo, basehead: "release/one...long" };
const whole = (await octokit.rest.repos.compareCommitsWithBasehead(range)).data;
assert.deepEqual([whole.status, whole.ahead_by, whole.behind_by, whole.total_commits, whole.commits.length], ["ahead", 300, 0, 300, 250]);
const seen = [];
for await (const page of octokit.paginate.iterator(octokit.rest.repos.compareCommitsWithBasehead, { ...range, per_page: 100 })) {
  seen.push(...(page.data.commits ?? page.data).map((it) => it.commit.message));
}
assert.deepEqual([seen.length, seen[0], seen[299]], [300, "Commit 1", "Commit 300"]);
assert.equal((await octokit.paginate(octokit.rest.repos.listCommits, { ...repo, sha: "long", per_page: 100 })).length, 301);

// Deployments.
await refused(octokit.rest.repos.createDeployment({ ...repo, ref: "nowhere" }), 422, /No ref found/);
const deploy = { ...repo, ref: "main", environment: "production", required_contexts: [] };
const deployments = [];
for (let count = 0; count < 2; count++) {
  const deployment = (await octokit.rest.repos.createDeployment(deploy)).data;
  assert.equal(deployment.sha, merged.sha);
  for (const state of ["in_progress", "success"]) {
    await octokit.rest.repos.createDeploymentStatus({ ...repo, deployment_id: deployment.id, state });
  }
  deployments.push(deployment.id);
}
const past = (await octokit.rest.repos.listDeployments({ ...repo, environment: "production" })).data.map((it) => it.id);
assert.deepEqual(past, deployments.toReversed());
const states = async (deployment_id) =>
  (await octokit.rest.repos.listDeploymentStatuses({ ...repo, deployment_id })).data.map((it) => it.state);
assert.deepEqual(await states(deployments[0]), ["inactive", "success", "in_progress"]);
assert.deepEqual(await states(deployments[1]), ["success", "in_progress"]);

// Workflows.
const workflow = { ...repo, workflow_id: "deploy.yml" };
assert.equal((await octokit.rest.actions.getWorkflow(workflow)).data.path, ".github/workflows/deploy.yml");
const dispatch = (inputs, more) => octokit.rest.actions.createWorkflowDispatch({ ...workflow, ref: "main", inputs, ...more });
await refused(dispatch({ hotfix_id: "HF-1", sha: fix, other: "x" }), 422, /Unexpected inputs provided: \[\\?"other/);
await refused(dispatch({ sha: fix }), 422, /Required input 'hotfix_id' not provided/);
assert.equal((await dispatch({ hotfix_id: "HF-1" })).status, 204);
const details = await dispatch({ hotfix_id: "HF-2" }, { return_run_details: true });
const run = (await octokit.rest.actions.getWorkflowRun({ ...repo, run_id: details.data.workflow_run_id })).data;
assert.deepEqual([run.display_title, run.status, run.head_sha, run.event], ["Deploy HF-2", "queued", merged.sha, "workflow_dispatch"]);
const all = (await octokit.rest.actions.listWorkflowRuns({ ...workflow, event: "workflow_dispatch" })).data;
assert.deepEqual([all.total_count, all.workflow_runs.map((it) => it.display_title)], [2, ["Deploy HF-2", "Deploy HF-1"]]);

// More than fits on a page.
for (let count = 1; count <= 120; count++) {
  await octokit.rest.issues.create({ ...repo, title: `Issue ${count}`, labels: ["many"] });
}
const first = await octokit.rest.issues.listForRepo({ ...repo, labels: "many" });
assert.deepEqual([first.data.length, first.data[0].title], [30, "Issue 120"]);
const every = await octokit.paginate(octokit.rest.issues.listForRepo, { ...repo, labels: "many", per_page: 100 });
assert.deepEqual([every.length, new Set(every.map((it) => it.number)).size, every[119].title], [120, 120, "Issue 1"]);

await octokit.rest.git.deleteRef({ ...repo, ref: "heads/release/one" });
await refused(octokit.rest.git.getRef({ ...repo, ref: "heads/release/one" }), 404, /Not Found/);
