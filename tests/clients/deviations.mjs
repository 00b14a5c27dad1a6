// Where GitHub's description of its API and GitHub itself differ, with the reason. Nothing else is excused.

// Paths that are described in words only.
export const paths = [
  // "This resource is also available via a legacy route: GET /repos/:owner/:repo/statuses/:ref." PyGithub takes it.
  { method: "GET", old: /^(\/repos\/[^/]+\/[^/]+)\/statuses\/([^/]+)$/, now: "$1/commits/$2/statuses" },
];

// Bodies, by operation, that are described in words only.
export const bodies = {
  // "You can also pass an array of labels directly": PyGithub does.
  "issues/add-labels": (body) => Array.isArray(body) && body.every((name) => typeof name === "string"),
};

// Parameters, by operation and name: a form that is good although the description does not know it.
export const parameters = {
  // "Returns workflow runs created within the given date-time range. For more information on the syntax, see Understanding
  // the search syntax": a range is described as one moment.
  "actions/list-workflow-runs created": /^(>|>=|<|<=)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
};

// Statuses that GitHub answers and does not list, by operation.
export const statuses = {
  // "Unexpected inputs provided", "Required input … not provided", "Workflow does not have 'workflow_dispatch' trigger".
  "actions/create-workflow-dispatch": [422],
};

// What of an answer need not fit: a test of where it is, what was broken, and what stands there.
export const answers = [
  // A deployment status without these addresses has them empty; so have GitHub's own examples.
  (error, value) => error.keyword === "format" && /(target|log|environment)_url$/.test(error.instancePath) && value === "",
  // A label without a description has none, as everywhere else; the description allows that except in lists of pull requests.
  (error, value) => error.keyword === "type" && /labels\/\d+\/description$/.test(error.instancePath) && value === null,
];
