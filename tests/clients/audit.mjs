// Holds the audits of graphql-http against a server, and writes their results as one
// JSON list: node audit.mjs http://127.0.0.1:5000/graphql
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
const results = [];
for (const audit of serverAudits({ url })) {
  const result = await audit.fn();
  results.push({ id: result.id, name: result.name, status: result.status, reason: result.reason ?? '' });
}
process.stdout.write(JSON.stringify(results));
