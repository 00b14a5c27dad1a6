// Where GitHub's description of its API and GitHub itself differ, with the reason. Nothing else is excused.

// Parameters, by operation and name: a form that is good although the description does not know it.
export const parameters = {
  // "Returns workflow runs created within the given date-time range. For more information on the syntax, see Understanding
  // the search syntax": a range is described as one moment.
  "actions/list-workflow-runs created": /^(>|>=|<|<=)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
};

// Statuses that GitHub answers and does not list, by operation.
export const statuses = {};

// What of an answer need not fit: a test of where it is, what was broken, and what stands there.
export const answers = [
  // A deployment status without these addresses has them empty; so have GitHub's own examples.
  (error, value) => error.keyword === "format" && /(target|log|environment)_url$/.test(error.instancePath) && value === "",
];
