// Holds the audits of graphql-http against a server, and writes their results as one
// JSON list: node audit.mjs http://127.0.0.1:5000/graphql
// CAREHOME_TEST_KEY is presented where it is set.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
const key = process.env.CAREHOME_TEST_KEY;
const fetchFn = (to, options = {}) =>
  fetch(to, key ? { ...options, headers: { ...options.headers, authorization: `Bearer ${key}` } } : options);
const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const result = await audit.fn();
  results.push({ id: result.id, name: result.name, status: result.status, reason: result.reason ?? '' });
}
process.stdout.write(JSON.stringify(results));
